import Reactor
import Testing

struct UnitsNumberTextTests {
    @Test(arguments: [
        (0, 2, "0.00"), (1.005, 1, "1.0"), (2.675, 2, "2.68"), (-0.25, 2, "-0.25"), (99.999, 2, "100.00"),
        (3.5, 0, "4"), (0.000_001, 6, "0.000001"), (Double.infinity, 2, "inf"),
    ])
    func aNumberHasTheDigitsAskedFor(number: Double, digits: Int, text: String) {
        #expect(NumberText.fixed(number, digits) == text)
    }

    @Test(arguments: [
        (0, "0B"), (1_023, "1023B"), (1_024, "1.00K"), (916_664, "895.18K"), (1 << 20, "1.00M"),
        (25_276_502_016, "23.54G"),
    ])
    func bytesAreInTheLargestUnitThatFits(count: Int, text: String) {
        #expect(NumberText.bytes(count) == text)
    }
}
