import Cluster
import Testing

struct LocalHealthTests {
    @Test func lateRoundsCostAPointEachAndPunctualOnesGiveItBack() {
        var health = LocalHealth()
        var multipliers: [UInt64] = []
        for lag in [0, 300, 126, 125, 0, 0, 200, 0] as [UInt64] {
            health.observe(lag: lag)
            health.nextRound(heartbeat: 250)
            multipliers.append(health.multiplier)
        }
        #expect(multipliers == [1, 2, 3, 2, 1, 1, 2, 1])
    }

    @Test func waitsAreMultipliedByEightAtMost() {
        var health = LocalHealth()
        for _ in 0..<100 {
            health.observe(lag: 10_000)
            health.nextRound(heartbeat: 250)
        }
        #expect(health.multiplier == 8)
        #expect(health.lag == 10_000)
    }

    @Test func worstLagOfTheRoundCounts() {
        var health = LocalHealth()
        for lag in [3, 90, 7] as [UInt64] { health.observe(lag: lag) }
        health.nextRound(heartbeat: 250)
        #expect(health.lag == 90)
        health.nextRound(heartbeat: 250)
        #expect(health.lag == 0)
    }
}
