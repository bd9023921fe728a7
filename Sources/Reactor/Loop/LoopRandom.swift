/// Random numbers for identifiers, one generator a loop: xoshiro256** (Blackman and Vigna, 2018), seeded by the system.
/// Not for secrets.
package struct LoopRandom: RandomNumberGenerator, Sendable {
    private var s0, s1, s2, s3: UInt64

    package init() {
        var system = SystemRandom()
        s0 = system.next()
        s1 = system.next()
        s2 = system.next()
        s3 = system.next() | 1
    }

    package mutating func next() -> UInt64 {
        let scrambled = s1 &* 5
        let result = (scrambled << 7 | scrambled >> 57) &* 9
        let t = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = s3 << 45 | s3 >> 19
        return result
    }
}
