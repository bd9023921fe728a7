/// Finds a shorter list that still fails: halves first, then quarters, down to single ones, until none can go (Zeller
/// and Hildebrandt, 2002, "Simplifying and Isolating Failure-Inducing Input", without its complements).
package enum Shrinker {
    /// `fails`: whether a run with these faults fails. At most `runsMax` are asked about.
    package static func shrink(
        _ schedule: FaultSchedule, runsMax: Int = 200, fails: (FaultSchedule) -> Bool
    ) -> FaultSchedule {
        var faults = schedule.faults
        var runs = 0
        var length = max(1, faults.count / 2)
        while runs < runsMax, !faults.isEmpty {
            var start = 0
            var hasShrunk = false
            while start < faults.count, runs < runsMax {
                var shorter = faults
                shorter.removeSubrange(start..<min(start + length, faults.count))
                runs += 1
                if fails(FaultSchedule(shorter)) {
                    faults = shorter
                    hasShrunk = true
                } else {
                    start += length
                }
            }
            if length > 1 {
                length /= 2
            } else if !hasShrunk {
                break
            }
        }
        return FaultSchedule(faults)
    }
}
