import CLibuv
import Glibc

/// The time of day, exactly now; the loop's `now` is that of its turn.
package enum WallClock {
    /// Microseconds since 1970.
    package static var microseconds: UInt64 {
        var wall = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &wall)
        return UInt64(wall.tv_sec) * 1_000_000 + UInt64(wall.tv_nsec) / 1_000
    }
}
