/// The system's random numbers, fit for secrets.
///
/// In place of `SystemRandomNumberGenerator`, which is empty: code instrumented by ThreadSanitizer looks at the address
/// of what is passed `inout`, and that of an empty value is none.
package struct SystemRandom: RandomNumberGenerator, Sendable {
    private var latest: UInt64 = 0

    package init() {}

    package mutating func next() -> UInt64 {
        latest = .random(in: .min ... .max)
        return latest
    }
}
