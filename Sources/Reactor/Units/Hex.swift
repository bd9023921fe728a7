/// Hexadecimal digits, lower-case: what ETags and tokens are written in. Upper case is another text, and refused: a
/// token has one spelling.
package enum Hex {
    /// The digit of the lower four bits.
    @inline(__always)
    package static func digit(_ nibble: UInt8) -> UInt8 {
        let value = nibble & 15
        return value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }

    /// The eight digits of `value`, the first in the lowest byte: all at once, as every answer's ETag needs 20.
    @inline(__always)
    package static func digits(_ value: UInt32) -> UInt64 {
        // Each nibble into a byte of its own, the highest into the lowest.
        var spread = UInt64(value.byteSwapped)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
        // A nibble over 9 carries into bit 4 when 6 is added: there 39 more lead from "9" on to "a".
        let letters = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread + 0x3030_3030_3030_3030 + letters * 39
    }

    /// The value of one digit.
    @inline(__always)
    package static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The number that 1 to 16 digits spell; nil if one of them is no digit.
    package static func parse(_ digits: Span<UInt8>) -> UInt64? {
        guard 1...16 ~= digits.count else { return nil }
        var number: UInt64 = 0
        for index in digits.indices {
            guard let value = value(digits[index]) else { return nil }
            number = number << 4 | UInt64(value)
        }
        return number
    }

    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        [UInt8](capacity: bytes.count * 2) { output in
            for index in bytes.indices {
                output.append(digit(bytes[index] >> 4))
                output.append(digit(bytes[index]))
            }
        }
    }

    /// The bytes that `text` spells, two digits each; nil if it is odd or has another character.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = value(text[index]), let low = value(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
