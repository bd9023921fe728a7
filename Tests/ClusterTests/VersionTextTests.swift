import Cluster
import Reactor
import TestSupport
import Testing

struct VersionTextTests {
    private static let version = Version(time: 0x0123_4567_89ab_cdef, node: 0x00f7)
    private static let tag = #""v0123456789abcdef00f7""#
    private static let other = Version(time: 2, node: 1)
    private static let otherTag = #""v00000000000000020001""#

    @Test(arguments: [
        (version, tag), (other, otherTag), (Version.zero, #""v00000000000000000000""#),
        (Version(time: .max, node: .max), #""vffffffffffffffffffff""#),
    ])
    func entityTagHasAllDigitsAndReadsBack(version: Version, tag: String) {
        #expect(version.entityTag.text == tag)
        #expect(Version(entityTag: tag.utf8.span) == version)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func everyVersionReadsBackAndTagsSortAsVersionsDo(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        var last = Version.zero
        for _ in 0..<2_000 {
            let version = Version(
                time: generator.next() >> UInt64.random(in: 0..<64, using: &generator),
                node: UInt16.random(in: .min ... .max, using: &generator))
            let tag = version.entityTag
            #expect(Version(entityTag: tag.span) == version, "seed \(seed)")
            #expect((last < version) == (last.entityTag.text < tag.text), "seed \(seed)")
            last = version
        }
    }

    @Test(arguments: [
        "", "\"", "\"\"", "v0123456789abcdef00f7", #""v0123456789ABCDEF00F7""#, #""V0123456789abcdef00f7""#,
        #""v0123456789abcdef00f""#, #""v0123456789abcdef00f77""#, #""v0123456789abcdef00g7""#,
        #" "v0123456789abcdef00f7""#,
        #""v0123456789abcdef00f7" "#, #"W/"v0123456789abcdef00f7""#, #""v+123456789abcdef00f7""#,
        #""v0123456789abcdef00f7'"#,
    ])
    func whatIsNoTagOfOursIsNoVersion(text: String) {
        #expect(Version(entityTag: text.utf8.span) == nil)
    }

    @Test(arguments: [
        (tag, EntityTags.one(version)),
        (" \t\(tag)\t ", .one(version)),
        ("*", .any),
        (" * ", .any),
        ("\(tag), \(otherTag)", .several([version, other])),
        ("\(tag),\(otherTag),\(tag)", .several([version, other, version])),
        (",, \(tag) ,\t,\(otherTag),", .several([version, other])),
        (#""abc""#, .several([])),
        (#""abc", \#(tag), "x,y\""#, .one(version)),
        (#""""#, .several([])),
        (#""*""#, .several([])),
        (#""v0123456789ABCDEF00F7""#, .several([])),
        ("\"caf\u{e9}\", \(tag)", .one(version)),
    ])
    func listReadsAlikeUnderBothComparisons(header: String, tags: EntityTags) throws {
        #expect(try EntityTags(header.utf8.span, comparison: .strong) == tags)
        #expect(try EntityTags(header.utf8.span, comparison: .weak) == tags)
    }

    @Test func weakTagNeverMatchesIfMatch() throws {
        let header = "W/\(Self.tag), W/\(Self.otherTag)"
        let strong = try EntityTags(header.utf8.span, comparison: .strong)
        #expect(strong == .several([]))
        #expect(!strong.matches(Self.version))
    }

    @Test func weakTagMatchesIfNoneMatch() throws {
        #expect(try EntityTags("W/\(Self.tag)".utf8.span, comparison: .weak) == .one(Self.version))
    }

    @Test(arguments: [
        "", "   ", ",", " , ,", "abc", "\"abc", "abc\"", tag + tag, "\(tag) \(otherTag)", "*,*", "*, \(tag)",
        "\(tag), *",
        "**", "W\(tag)", "w/\(tag)", "W/ \(tag)", "W/", "W", "\(tag);", "\"a b\"", "\"a\u{7f}\"", "\"a\nb\"",
        "'\(tag)'",
    ])
    func malformedListIsAFault(header: String) {
        for comparison in [EntityTags.Comparison.strong, .weak] {
            #expect(throws: EntityTags.Fault.malformed) {
                try EntityTags(header.utf8.span, comparison: comparison)
            }
        }
    }

    @Test func everyPrefixOfAListIsReadOrRefused() {
        let header = Array("W/\(Self.tag) , \"abc\",,\(Self.otherTag)".utf8)
        let accepted = (0...header.count).filter { length in
            (try? EntityTags(header.span.extracting(0..<length), comparison: .weak)) != nil
        }
        // After the first tag, blank and comma; after the second and its commas; and the whole.
        #expect(accepted == [25, 26, 27, 28, 33, 34, 35, header.count])
    }

    @Test func listOverTheLimitIsAFault() throws {
        let most = Array(repeating: Self.tag, count: EntityTags.countMax).joined(separator: ",")
        let versions = Array(repeating: Self.version, count: EntityTags.countMax)
        #expect(try EntityTags(most.utf8.span, comparison: .strong) == .several(versions))
        #expect(throws: EntityTags.Fault.tooMany) {
            try EntityTags("\(most),\(Self.tag)".utf8.span, comparison: .strong)
        }
    }

    @Test func matchesKnowsWhatIsStored() {
        let many = EntityTags.several([Self.other, Self.version])
        for tags in [EntityTags.any, .one(Self.version), many] {
            #expect(tags.matches(Self.version))
            #expect(!tags.matches(nil))
        }
        #expect(EntityTags.any.matches(.zero))
        #expect(!EntityTags.one(Self.version).matches(Self.other))
        #expect(!many.matches(.zero))
        #expect(!EntityTags.several([]).matches(Self.version))
    }
}
