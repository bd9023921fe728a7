import Foundation
import Reactor
import Testing

struct UnitsDurationTests {
    @Test(
        arguments: [
            ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000), ("0ms", 0),
            ("0s", 0),
            ("007s", 7_000), ("36500d", 3_153_600_000_000), ("3153600000000ms", 3_153_600_000_000),
            ("00000000000000000000000000001s", 1_000),
        ] as [(String, Int64)])
    func durationIsAWholeNumberAndAUnit(text: String, milliseconds: Int64) throws {
        #expect(try DurationText.parse(text.utf8.span) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "s", "5", "0", "1.5h", "1h30m", "-5s", "+5s", "5 s", " 5s", "5s ", "5S", "5Ms", "5w", "5us", "5ns", "5mss",
        "5sm",
        "٣s", "5e3s", "0x5s", "5\u{0}s", "inf", "99999999999999999999",
    ])
    func otherSpellingsAreMalformed(text: String) {
        #expect(throws: DurationText.Fault.malformed) { try DurationText.parse(text.utf8.span) }
    }

    @Test(arguments: [
        "36501d", "3153600000001ms", "876001h", "9223372036854775807ms", "9223372036854775808ms",
        "18446744073709551616s", "99999999999999999999999999999d", "106751991168d",
    ])
    func durationOverAHundredYearsIsTooLong(text: String) {
        #expect(throws: DurationText.Fault.tooLong) { try DurationText.parse(text.utf8.span) }
    }

    @Test(
        arguments: [
            (0, "0s"), (1, "1ms"), (999, "999ms"), (1_000, "1s"), (1_500, "1500ms"), (60_000, "1m"), (90_000, "90s"),
            (3_600_000, "1h"), (86_400_000, "1d"), (604_800_000, "7d"), (3_153_600_000_000, "36500d"),
        ] as [(Int64, String)])
    func durationRendersInTheLargestUnitThatDividesIt(milliseconds: Int64, text: String) throws {
        #expect(DurationText.render(.milliseconds(milliseconds)) == text)
        #expect(try DurationText.parse(text.utf8.span) == .milliseconds(milliseconds))
    }

    @Test func whatIsNoDurationForAClientIsRenderedAsTheNearestThatIs() {
        #expect(DurationText.render(.milliseconds(-1)) == "0s")
        #expect(DurationText.render(DurationText.longest + .milliseconds(1)) == "36500d")
        #expect(DurationText.render(.milliseconds(Int64.max)) == "36500d")
    }

    @Test(
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.microseconds(999), 1), (.milliseconds(1), 1), (.microseconds(1_001), 2),
            (.seconds(-1), -1_000), (.microseconds(-1), 0), (.microseconds(-1_500), -1),
        ] as [(Duration, Int64)])
    func partsOfAMillisecondRoundUp(duration: Duration, milliseconds: Int64) {
        #expect(duration.milliseconds == milliseconds)
    }

    @Test func faultsSayWhatIsExpected() {
        #expect(DurationText.Fault.malformed.detail.contains(#""500ms", "30s", "5m", "24h" or "7d""#))
        #expect(DurationText.Fault.tooLong.detail.contains("36500d"))
    }
}

struct UnitsByteSizeTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("65536", 65_536), ("64KiB", 65_536), ("256MB", 256_000_000), ("1KB", 1_000),
        ("1MiB", 1_048_576),
        ("2GB", 2_000_000_000), ("2GiB", 2_147_483_648), ("1TB", 1_000_000_000_000), ("1TiB", 1_099_511_627_776),
        ("0GiB", 0), ("9223372036854775807", Int.max), ("8388607TiB", 8_388_607 << 40),
    ])
    func sizeIsAWholeNumberOfBytesOrOfAUnit(text: String, size: Int) throws {
        #expect(try ByteSize.parse(text.utf8.span) == size)
    }

    @Test(arguments: [
        "", "KiB", "64k", "64K", "64kb", "64kB", "64kib", "64 KiB", " 64", "64 ", "-1", "+1", "1.5GiB", "64B", "64KiBB",
        "1e6",
        "0x10", "64PiB", "1_000", "六",
    ])
    func otherSpellingsAreMalformed(text: String) {
        #expect(throws: ByteSize.Fault.malformed) { try ByteSize.parse(text.utf8.span) }
    }

    @Test(arguments: [
        "9223372036854775808", "8388608TiB", "9223372036854776KB", "18446744073709551617", "99999999999999999999MB",
    ])
    func sizeThatNoIntegerHoldsIsTooLarge(text: String) {
        #expect(throws: ByteSize.Fault.tooLarge) { try ByteSize.parse(text.utf8.span) }
    }

    @Test(arguments: [
        (0, "0"), (1, "1"), (999, "999"), (1_000, "1KB"), (1_023, "1023"), (1_024, "1KiB"), (1_536, "1536"),
        (65_536, "64KiB"),
        (1_048_576, "1MiB"), (3 << 30, "3GiB"), (5 << 40, "5TiB"), (1025 << 10, "1025KiB"),
        (10_000_000, "10MB"), (1_000_001, "1000001"), (Int.max, "9223372036854775807"),
    ])
    func sizeRendersInTheLargestUnitThatDividesItABinaryOneIfThereIsOne(size: Int, text: String) throws {
        #expect(ByteSize.render(size) == text)
        #expect(try ByteSize.parse(text.utf8.span) == size)
    }

    @Test func faultsSayWhatIsExpected() {
        #expect(ByteSize.Fault.malformed.detail.contains(#""64KiB""#))
        #expect(ByteSize.Fault.tooLarge.detail.contains("9223372036854775807"))
    }
}

struct UnitsUUIDTests {
    @Test func uuidKeepsAllBitsButVersionAndVariant() {
        #expect(UUIDText.v4(0, 0).text == "00000000-0000-4000-8000-000000000000")
        #expect(UUIDText.v4(.max, .max).text == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(
            UUIDText.v4(0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef).text == "01234567-89ab-4def-8123-456789abcdef")
    }

    @Test func foundationReadsEveryUUID() throws {
        var generator = SystemRandom()
        for _ in 0..<1_000 {
            let text = UUIDText.v4(using: &generator).text
            let uuid = try #require(UUID(uuidString: text))
            #expect(uuid.uuidString.lowercased() == text)
            #expect(uuid.uuid.6 >> 4 == 4, "\(text)")
            #expect(uuid.uuid.8 >> 6 == 2, "\(text)")
        }
    }
}
