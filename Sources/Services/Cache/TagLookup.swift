/// When tags were invalidated, as the table asks for it.
///
/// The table stores tag ids and knows nothing else of tags. An entry is void once one of its tags has a stamp above the
/// time of the entry's version. An entry without tags is never looked up.
package protocol TagLookup: ~Copyable {
    /// The hybrid time (`Version.time`) below which entries with this tag are void; 0: it was never invalidated.
    borrowing func invalidBefore(_ tag: UInt64) -> UInt64
}

/// No tag was ever invalidated.
package struct NoTagStamps: TagLookup {
    package init() {}

    package func invalidBefore(_ tag: UInt64) -> UInt64 { 0 }
}
