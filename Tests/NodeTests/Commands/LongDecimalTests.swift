import Glibc
import TestSupport
import Testing

@testable import Node

@Suite struct LongDecimalTests {
    #if arch(x86_64)
        /// What C prints, without zeros at its end.
        private func printed(_ value: Float80) -> String {
            var buffer = [CChar](repeating: 0, count: 5_100)
            let count = unsafe withVaList([value]) { unsafe vsnprintf(&buffer, buffer.count, "%.17Lf", $0) }
            var text = String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
            return text == "-0" ? "0" : text
        }

        private func text(_ value: Float80) -> String { String(decoding: LongDecimal(value).text, as: UTF8.self) }

        @Test func textsAreThoseOfTheCLibrary() {
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SeededRandom(seed: seed)
            for _ in 0..<3_000 {
                let significand = Float80(random.next() >> UInt64(random.next() % 64))
                let exponent = Int.random(in: -140...140, using: &random)
                let value = Float80(sign: .plus, exponent: exponent, significand: significand)
                #expect(text(value) == printed(value), "seed \(seed)")
                #expect(text(-value) == printed(-value), "seed \(seed)")
            }
        }

        @Test(arguments: [
            0, -0.0, 1, 0.5, 0x1p-18, 0x3p-18, 0x1p-58, 0x1p-17, 1e18, 0x1p63, 0x1p64, 0x1p16383, 3e-4951,
        ])
        func textsAtTheEdgesAreThoseOfTheCLibrary(value: Float80) {
            for value in [value, -value, value.nextUp, value.nextDown] { #expect(text(value) == printed(value)) }
        }

        @Test func theLargestNumberHasAllItsDigits() {
            let value = Float80.greatestFiniteMagnitude
            #expect(text(value) == printed(value) && text(value).utf8.count == 4_933)
        }
    #endif

    @Test(arguments: ["1", "-1.5", "+.5", "1.", "1e3", "0x1p-3", "inf", "-Infinity", "0", "-0.0e9", "0x0p5"])
    func numbersAreRead(text: String) {
        #expect(LongDecimal(parsing: text.utf8.span) != nil)
    }

    @Test(arguments: [
        "", " 1", "1 ", "x", "nan", "1e5000", "-1e5000", "1e-5000", "0x", "1e", ".", "1\u{0}", "--1", "1_0",
    ])
    func whatIsNoNumberIsNotRead(text: String) {
        #expect(LongDecimal(parsing: text.utf8.span) == nil)
    }

    @Test func textsAreReadUpToALimit() {
        let digits = String(repeating: "0", count: 5_119)
        #expect(LongDecimal(parsing: digits.utf8.span) != nil)
        #expect(LongDecimal(parsing: (digits + "0").utf8.span) == nil)
    }
}
