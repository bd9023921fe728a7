/// Sixteen bits of a record's header.
struct RecordFlags: BitwiseCopyable {
    private(set) var rawValue: UInt16

    /// Kind of value: bits 0 to 3.
    var kind: UInt8 {
        get { UInt8(truncatingIfNeeded: rawValue & 0xF) }
        set { rawValue = rawValue & ~0xF | UInt16(newValue & 0xF) }
    }

    /// Content type as a `ContentTypeCode`: bits 4 to 7.
    var contentType: UInt8 {
        get { UInt8(truncatingIfNeeded: rawValue >> 4 & 0xF) }
        set { rawValue = rawValue & ~0xF0 | UInt16(newValue & 0xF) << 4 }
    }

    /// Accesses since it came into its queue, at most `EvictionQueues.frequencyMax`: bits 8 and 9.
    var frequency: UInt8 {
        @inline(__always)
        get { UInt8(truncatingIfNeeded: rawValue >> 8 & 3) }
        set { rawValue = rawValue & ~0x300 | UInt16(newValue & 3) << 8 }
    }

    /// In the main queue; else in the small one.
    var isMain: Bool {
        get { rawValue & 1 << 10 != 0 }
        set { set(1 << 10, newValue) }
    }

    /// The value is a `Blob`, and the record holds one reference to it.
    var hasBlob: Bool {
        get { rawValue & 1 << 11 != 0 }
        set { set(1 << 11, newValue) }
    }

    /// Extras stand between header and key.
    var hasExtras: Bool {
        get { rawValue & 1 << 12 != 0 }
        set { set(1 << 12, newValue) }
    }

    /// There is more to it than header, key and value.
    @inline(__always)
    var isSpecial: Bool { rawValue & (1 << 11 | 1 << 12) != 0 }

    /// The block holds a record. Memory that no record was in yet reads as zero.
    var isLive: Bool { rawValue & 1 << 15 != 0 }

    static let free = RecordFlags(rawValue: 0)
    static let live = RecordFlags(rawValue: 1 << 15)

    private init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    private mutating func set(_ bit: UInt16, _ isOn: Bool) {
        rawValue = isOn ? rawValue | bit : rawValue & ~bit
    }
}
