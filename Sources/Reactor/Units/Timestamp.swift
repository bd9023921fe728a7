/// A moment in UTC, to the millisecond, of the years 0000 to 9999: what the interface calls a time.
///
/// The calendar is the proleptic Gregorian one, days of 86,400 seconds, as POSIX and RFC 3339 count. Dates come from
/// days by `civil_from_days` and back by `days_from_civil` (Howard Hinnant, 2013, "chrono-Compatible Low-Level Date
/// Algorithms"): a year starts in March there, so that the leap day is its last, and 400 years are one era of 146,097
/// days.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
    package static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// Since 1970.
    package let milliseconds: Int64

    /// `milliseconds`: since 1970, within `range`.
    package init(milliseconds: Int64) {
        precondition(Self.range.contains(milliseconds), "\(milliseconds) ms is outside of the years 0 to 9999")
        self.milliseconds = milliseconds
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    package enum Fault: Error, Equatable {
        case malformed
        case noSuchTime
        case notUTC

        /// What was expected, for the caller's error body.
        package var detail: String {
            switch self {
            case .malformed: #"expected a time like "2031-02-28T23:59:59.999Z" (RFC 3339)"#
            case .noSuchTime: "expected a day that the calendar has and a time from 00:00:00 to 23:59:59"
            case .notUTC: #"expected UTC: a time that ends in "Z""#
            }
        }
    }

    /// Reads an RFC 3339 time in UTC: `Z` or `+00:00` at its end. The fraction of a second may be absent or up to
    /// nine digits long; what is below a millisecond is cut off. Leap seconds (`:60`) are refused: POSIX time has no
    /// number for them.
    package init(rfc3339 text: Span<UInt8>) throws(Fault) {
        guard text.count >= 20, Self.hasSeparators(text), let year = Self.number(text, 0, 4),
            let month = Self.number(text, 5, 2), let day = Self.number(text, 8, 2), let hour = Self.number(text, 11, 2),
            let minute = Self.number(text, 14, 2), let second = Self.number(text, 17, 2)
        else { throw .malformed }
        let (fraction, zone) = try Self.fraction(text)
        guard isTail(of: text, from: zone, "Z") || isTail(of: text, from: zone, "+00:00") else {
            throw Self.isOffset(text, from: zone) ? .notUTC : .malformed
        }
        guard 1...12 ~= month, 1...Self.days(in: month, of: year) ~= day, hour < 24, minute < 60, second < 60 else {
            throw .noSuchTime
        }
        let days = Self.days(year: year, month: month, day: day)
        milliseconds = Int64((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000 + fraction)
    }

    /// `2031-02-28T23:59:59.999Z`.
    package var rfc3339: InlineArray<24, UInt8> {
        let parts = Parts(milliseconds)
        var text = InlineArray<24, UInt8>(repeating: UInt8(ascii: "Z"))
        text.put(decimal: parts.year, digits: 4, at: 0)
        text[4] = UInt8(ascii: "-")
        text.put(decimal: parts.month, digits: 2, at: 5)
        text[7] = UInt8(ascii: "-")
        text.put(decimal: parts.day, digits: 2, at: 8)
        text[10] = UInt8(ascii: "T")
        Self.putClock(parts, at: 11, in: &text)
        text[19] = UInt8(ascii: ".")
        text.put(decimal: parts.millisecond, digits: 3, at: 20)
        return text
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`: the IMF-fixdate of the HTTP `Date` header (RFC 9110 §5.6.7), milliseconds cut
    /// off.
    package var httpDate: InlineArray<29, UInt8> {
        let parts = Parts(milliseconds)
        var text = InlineArray<29, UInt8>(repeating: UInt8(ascii: " "))
        text.put(Self.weekdays.utf8.span.extracting(parts.weekday * 3..<parts.weekday * 3 + 3), at: 0)
        text[3] = UInt8(ascii: ",")
        text.put(decimal: parts.day, digits: 2, at: 5)
        text.put(Self.months.utf8.span.extracting(parts.month * 3 - 3..<parts.month * 3), at: 8)
        text.put(decimal: parts.year, digits: 4, at: 12)
        Self.putClock(parts, at: 17, in: &text)
        text[26] = UInt8(ascii: "G")
        text[27] = UInt8(ascii: "M")
        text[28] = UInt8(ascii: "T")
        return text
    }

    private static let weekdays = "SunMonTueWedThuFriSat"
    private static let months = "JanFebMarAprMayJunJulAugSepOctNovDec"
}

// MARK: - Reading

extension Timestamp {
    private static func hasSeparators(_ text: Span<UInt8>) -> Bool {
        text[4] == UInt8(ascii: "-") && text[7] == UInt8(ascii: "-") && text[10] == UInt8(ascii: "T")
            && text[13] == UInt8(ascii: ":") && text[16] == UInt8(ascii: ":")
    }

    private static func number(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> Int? {
        var value = 0
        for index in start..<start + length {
            guard let digit = decimalDigit(text[index]) else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The milliseconds after the whole second, and where the zone starts.
    private static func fraction(_ text: Span<UInt8>) throws(Fault) -> (milliseconds: Int, end: Int) {
        guard text[19] == UInt8(ascii: ".") else { return (0, 19) }
        var milliseconds = 0
        var index = 20
        while index < text.count, let digit = decimalDigit(text[index]) {
            if index < 23 { milliseconds = milliseconds * 10 + digit }
            index += 1
        }
        guard 21...29 ~= index else { throw .malformed }
        for _ in index..<max(index, 23) { milliseconds *= 10 }
        return (milliseconds, index)
    }

    /// Whether a numeric offset like `-05:00` ends the text.
    private static func isOffset(_ text: Span<UInt8>, from start: Int) -> Bool {
        text.count == start + 6 && (text[start] == UInt8(ascii: "+") || text[start] == UInt8(ascii: "-"))
            && number(text, start + 1, 2) != nil && text[start + 3] == UInt8(ascii: ":")
            && number(text, start + 4, 2) != nil
    }
}

// MARK: - The calendar

extension Timestamp {
    private struct Parts {
        let year, month, day, hour, minute, second, millisecond: Int
        /// 0 is Sunday.
        let weekday: Int

        init(_ milliseconds: Int64) {
            // Since 1 January 0000, a Saturday: nothing is negative, so that division rounds down.
            let sinceYearZero = Int(milliseconds - Timestamp.range.lowerBound)
            let days = sinceYearZero / 86_400_000
            let rest = sinceYearZero % 86_400_000
            (year, month, day) = Timestamp.civil(fromDays: days + Int(Timestamp.range.lowerBound) / 86_400_000)
            hour = rest / 3_600_000
            minute = rest / 60_000 % 60
            second = rest / 1_000 % 60
            millisecond = rest % 1_000
            weekday = (days + 6) % 7
        }
    }

    private static func putClock<let count: Int>(
        _ parts: Parts, at start: Int, in text: inout InlineArray<count, UInt8>
    ) {
        text.put(decimal: parts.hour, digits: 2, at: start)
        text[start + 2] = UInt8(ascii: ":")
        text.put(decimal: parts.minute, digits: 2, at: start + 3)
        text[start + 5] = UInt8(ascii: ":")
        text.put(decimal: parts.second, digits: 2, at: start + 6)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 (`days_from_civil`). January and February of year 0 belong to the era before.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a day since 1970 (`civil_from_days`).
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
