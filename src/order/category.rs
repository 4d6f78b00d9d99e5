//! Categories of data and the powers that reach them.
//!
//! The highest category by legal basis is a starting point that counsel must confirm.
//!
//! **Invariant:** categories are ordered; a clause is never above what its order's legal basis reaches.

/// What kind of data a clause asks for, from the least to the most intrusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Who the customer is.
    Subscriber,
    /// What identifies the user of a service at a time (e-Evidence Regulation (EU) 2023/1543, art. 3(10)).
    Identification,
    /// Who communicated with whom, when and from where.
    Traffic,
    /// What was said or stored.
    Content,
}

impl Category {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::Subscriber, Self::Identification, Self::Traffic, Self::Content];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Identification => "identification",
            Self::Traffic => "traffic",
            Self::Content => "content",
        }
    }

    /// The category of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// The power under which an order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalBasis {
    /// Police and Criminal Evidence Act 1984, schedule 1.
    PaceSch1,
    /// Proceeds of Crime Act 2002, section 345.
    Poca345,
    /// Investigatory Powers Act 2016, part 3.
    IpaPt3,
    /// Crime (Overseas Production Orders) Act 2019.
    Copo,
    /// Norwich Pharmacal order.
    NorwichPharmacal,
    /// Civil Procedure Rules, rule 31.17.
    Cpr3117,
    /// 18 U.S.C. 2703(c)(2).
    Usc2703c2,
    /// 18 U.S.C. 2703(d).
    Usc2703d,
    /// A warrant under 18 U.S.C. 2703(a).
    Usc2703Warrant,
    /// 18 U.S.C. 2703(f): preservation, which discloses nothing.
    Usc2703f,
    /// European Production Order for subscriber or identification data, Regulation (EU) 2023/1543.
    EpocSubscriber,
    /// European Production Order, Regulation (EU) 2023/1543.
    Epoc,
    /// Mutual legal assistance.
    Mlat,
    /// A civil court's order.
    Civil,
    /// The data subject's consent.
    Consent,
    /// Any other.
    Other,
}

impl LegalBasis {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::PaceSch1,
        Self::Poca345,
        Self::IpaPt3,
        Self::Copo,
        Self::NorwichPharmacal,
        Self::Cpr3117,
        Self::Usc2703c2,
        Self::Usc2703d,
        Self::Usc2703Warrant,
        Self::Usc2703f,
        Self::EpocSubscriber,
        Self::Epoc,
        Self::Mlat,
        Self::Civil,
        Self::Consent,
        Self::Other,
    ];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PaceSch1 => "pace-sch1",
            Self::Poca345 => "poca-345",
            Self::IpaPt3 => "ipa-pt3",
            Self::Copo => "copo",
            Self::NorwichPharmacal => "norwich-pharmacal",
            Self::Cpr3117 => "cpr-31-17",
            Self::Usc2703c2 => "2703c2",
            Self::Usc2703d => "2703d",
            Self::Usc2703Warrant => "2703-warrant",
            Self::Usc2703f => "2703f",
            Self::EpocSubscriber => "epoc-subscriber",
            Self::Epoc => "epoc",
            Self::Mlat => "mlat",
            Self::Civil => "civil",
            Self::Consent => "consent",
            Self::Other => "other",
        }
    }

    /// The basis of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.name() == name)
    }

    /// The highest category it reaches; none: it discloses nothing.
    pub const fn highest(self) -> Option<Category> {
        match self {
            Self::Usc2703f => None,
            Self::EpocSubscriber | Self::Usc2703c2 => Some(Category::Identification),
            Self::IpaPt3 | Self::Usc2703d => Some(Category::Traffic),
            Self::PaceSch1
            | Self::Poca345
            | Self::Copo
            | Self::NorwichPharmacal
            | Self::Cpr3117
            | Self::Usc2703Warrant
            | Self::Epoc
            | Self::Mlat
            | Self::Civil
            | Self::Consent
            | Self::Other => Some(Category::Content),
        }
    }
}
