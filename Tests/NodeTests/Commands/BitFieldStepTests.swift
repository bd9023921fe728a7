import Testing

@testable import Node

@Suite struct BitFieldStepTests {
    private func type(_ text: String) throws -> BitFieldType {
        let type = BitFieldType(text.utf8.span)
        return try #require(type)
    }

    private func step(
        _ action: BitFieldStep.Action, _ text: String, _ overflow: BitFieldStep.Overflow
    ) throws -> BitFieldStep {
        BitFieldStep(action: action, type: try type(text), offset: 0, overflow: overflow)
    }

    @Test(arguments: [("i1", -1, 0), ("u1", 0, 1), ("i8", -128, 127), ("u63", 0, .max), ("i64", .min, .max)])
    func aWidthHasItsRange(text: String, least: Int64, most: Int64) throws {
        let type = try type(text)
        #expect(type.range == Int128(least)...Int128(most))
        for number in [least, 0, most] { #expect(type.number(type.bits(Int128(number))) == number) }
    }

    /// The nearest number, however far away.
    @Test(arguments: [("i8", .min, -128), ("i8", .max, 127), ("i1", .min, -1), ("u8", .max, 255), ("u8", -1, 255)])
    func saturationStoresTheNearestNumber(text: String, number: Int64, stored: Int64) throws {
        let step = try step(.set(number), text, .saturate)
        let bits = try #require(step.result(0).bits)
        #expect(step.type.number(bits) == stored)
    }

    @Test func incrementsBeyondSixtyFourBitsWrapSaturateOrFail() throws {
        let most = UInt64(Int64.max)
        #expect(try step(.increment(.max), "i64", .wrap).result(most).reply == -2)
        #expect(try step(.increment(.max), "i64", .saturate).result(most).reply == .max)
        #expect(try step(.increment(.max), "i64", .fail).result(most).reply == nil)
        #expect(try step(.increment(.min), "i64", .saturate).result(1 << 63).reply == .min)
        #expect(try step(.increment(.min), "u63", .saturate).result(most).reply == 0)
    }
}
