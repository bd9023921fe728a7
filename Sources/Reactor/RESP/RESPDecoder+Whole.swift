/// The short way for nearly every command: a small array that has arrived as a whole.
extension RESPDecoder {
    /// Reads the command at `position` if it is one of those. False: nothing was read, and the step by step way shall
    /// look at it: it says what is wrong with a command, so one that is beyond a limit is left to it.
    @inline(__always)
    mutating func readWhole(_ bytes: Span<UInt8>) -> Bool {
        guard let (count, start) = Self.shortLength(UInt8(ascii: "*"), bytes, position),
            count > 0, count <= limits.argumentsMax
        else { return false }
        var place = start
        for _ in 0..<count {
            guard let (length, start) = Self.shortLength(UInt8(ascii: "$"), bytes, place) else { return fallBack() }
            let end = start &+ length
            guard length <= limits.bulkMax, bytes.count &- end >= 2, bytes[end] == UInt8(ascii: "\r"),
                bytes[end + 1] == UInt8(ascii: "\n")
            else {
                return fallBack()
            }
            append(ArgumentSlot(start: start, count: length))
            place = end &+ 2
        }
        guard place &- position <= limits.commandBytesMax else { return fallBack() }
        position = place
        state = .complete
        return true
    }

    private mutating func fallBack() -> Bool {
        slotCount = 0
        return false
    }

    /// The number of one to three digits behind `lead` at `place`, and where its line ends. Nil: not of that form.
    @inline(__always)
    private static func shortLength(_ lead: UInt8, _ bytes: Span<UInt8>, _ place: Int) -> (Int, Int)? {
        guard bytes.count &- place >= 6, bytes[place] == lead else { return nil }
        var number = Int(bytes[place &+ 1] &- UInt8(ascii: "0"))
        guard number < 10 else { return nil }
        var end = place &+ 2
        for _ in 0..<2 {
            let digit = bytes[end] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            number = number &* 10 &+ Int(digit)
            end &+= 1
        }
        guard bytes[end] == UInt8(ascii: "\r"), bytes[end &+ 1] == UInt8(ascii: "\n") else { return nil }
        return (number, end &+ 2)
    }
}
