import Foundation
import Reactor
import Testing

struct UnitsTimestampTests {
    private static let format: Date.ISO8601FormatStyle = .init(includingFractionalSeconds: true)

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (784_111_777_000, "1994-11-06T08:49:37.000Z"), (1_582_934_400_001, "2020-02-29T00:00:00.001Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (-62_162_035_200_001, "0000-02-29T23:59:59.999Z"),
            (-62_162_035_200_000, "0000-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func timeIsWrittenToTheMillisecondAndReadsBack(milliseconds: Int64, text: String) throws {
        #expect(Timestamp(milliseconds: milliseconds).rfc3339.text == text)
        #expect(try Timestamp(rfc3339: text.utf8.span).milliseconds == milliseconds)
    }

    @Test(
        arguments: [
            ("2020-02-29T00:00:00Z", 1_582_934_400_000), ("2020-02-29T00:00:00.1Z", 1_582_934_400_100),
            ("2020-02-29T00:00:00.01Z", 1_582_934_400_010), ("2020-02-29T00:00:00.0019999Z", 1_582_934_400_001),
            ("2020-02-29T00:00:00.999999999Z", 1_582_934_400_999), ("2020-02-29T00:00:00+00:00", 1_582_934_400_000),
            ("2020-02-29T00:00:00.5+00:00", 1_582_934_400_500), ("1969-12-31T23:59:59.9999Z", -1),
        ] as [(String, Int64)])
    func fractionMayBeAbsentOrFinerAndIsCutOff(text: String, milliseconds: Int64) throws {
        #expect(try Timestamp(rfc3339: text.utf8.span).milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "Z", "2020-02-29", "2020-02-29T00:00:00", "2020-02-29 00:00:00Z", "2020-02-29t00:00:00Z",
        "2020-02-29T00:00:00z",
        "2020-2-29T00:00:00Z", "2020-02-29T00:00Z", "20200229T000000Z", "2020-02-29T00:00:00.Z",
        "2020-02-29T00:00:00,5Z",
        "2020-02-29T00:00:00.0000000001Z", "2020-02-29T00:00:00.5", "2020-02-29T00:00:00Z ", " 2020-02-29T00:00:00Z",
        "+020-02-29T00:00:00Z", "-001-02-29T00:00:00Z", "12020-02-29T00:00:00Z", "2020/02/29T00:00:00Z",
        "2020-02-29T00-00-00Z", "2020-02-29T00:00:00+0000", "2020-02-29T00:00:00+0a:00", "2020-02-29T00:00:00GMT",
    ])
    func otherSpellingsAreMalformed(text: String) {
        #expect(throws: Timestamp.Fault.malformed) { try Timestamp(rfc3339: text.utf8.span) }
    }

    @Test(arguments: ["2020-02-29T00:00:00+01:00", "2020-02-29T00:00:00.123-05:30", "2020-02-29T00:00:00-00:00"])
    func anotherZoneThanUTCIsRefused(text: String) {
        #expect(throws: Timestamp.Fault.notUTC) { try Timestamp(rfc3339: text.utf8.span) }
    }

    @Test(arguments: [
        "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2020-02-30T00:00:00Z", "2020-04-31T00:00:00Z",
        "2020-00-01T00:00:00Z", "2020-13-01T00:00:00Z", "2020-01-00T00:00:00Z", "2020-01-32T00:00:00Z",
        "2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z", "2016-12-31T23:59:60Z",
    ])
    func timeThatNeverWasIsRefused(text: String) {
        #expect(throws: Timestamp.Fault.noSuchTime) { try Timestamp(rfc3339: text.utf8.span) }
    }

    @Test func everyPrefixOfATimeIsReadOrRefused() {
        let text = Array("2020-02-29T12:34:56.789Z".utf8)
        for length in 0..<text.count {
            #expect(throws: Timestamp.Fault.malformed) { try Timestamp(rfc3339: text.span.extracting(0..<length)) }
        }
    }

    @Test func httpDateIsTheOneOfTheRFC() {
        #expect(Timestamp(milliseconds: 784_111_777_999).httpDate.text == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Timestamp(milliseconds: -1).httpDate.text == "Wed, 31 Dec 1969 23:59:59 GMT")
        #expect(Timestamp(milliseconds: Timestamp.range.lowerBound).httpDate.text == "Sat, 01 Jan 0000 00:00:00 GMT")
        #expect(Timestamp(milliseconds: Timestamp.range.upperBound).httpDate.text == "Fri, 31 Dec 9999 23:59:59 GMT")
    }

    /// From 1600, since Foundation's calendar is Julian before October 1582; each date and weekday comes up.
    @Test func daysOfEightCenturiesAgreeWithFoundation() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for day in stride(from: -135_140, through: 157_054, by: 13) {
            let seconds = Int64(day) * 86_400 + Int64(day & 0xffff)
            let time = Timestamp(milliseconds: seconds * 1_000)
            let parts = calendar.dateComponents(
                [.year, .month, .day, .weekday], from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            let date = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
            let text = time.rfc3339.text
            let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
            try #require(text.hasPrefix(date), "day \(day)")
            try #require(time.httpDate.text.hasPrefix(names[(parts.weekday ?? 1) - 1]), "day \(day)")
            try #require(try Timestamp(rfc3339: text.utf8.span) == time, "day \(day)")
        }
    }

    @Test(arguments: 1...4)
    func randomTimesAgreeWithFoundation(round: Int) throws {
        for _ in 0..<1_000 {
            // 1600 to 9999.
            let milliseconds = Int64.random(in: -11_676_096_000_000...Timestamp.range.upperBound)
            let time = Timestamp(milliseconds: milliseconds)
            let date = try Date(time.rfc3339.text, strategy: Self.format)
            let read = Int64((date.timeIntervalSince1970 * 1_000).rounded())
            #expect(read == milliseconds, "round \(round), \(milliseconds)")
        }
    }
}
