import Cluster
import Testing

struct RosterKeeperTests {
    private static let (n1, n2) = (NodeID("n1")!, NodeID("n2")!)
    private static let staleText = "cluster.json has changed without a higher generation; write 4"

    private static func roster(_ generation: Int, replicas: Int = 2) -> Roster {
        RosterTests.roster(generation, replicas: replicas)
    }

    /// Two rosters of one generation, that with the lower hash first.
    private static func rivals(_ generation: Int) -> (lower: Roster, higher: Roster) {
        let (one, other) = (roster(generation, replicas: 1), roster(generation, replicas: 3))
        return one.hash < other.hash ? (one, other) : (other, one)
    }

    private static func keeper(_ roster: Roster) -> RosterKeeper { RosterKeeper(file: roster, kept: roster) }

    /// Carries what n1 asks n2 and what comes back until nothing more is asked.
    private static func fetch(
        _ asked: [RosterKeeper.Directive], into keeper: inout RosterKeeper, from source: inout RosterKeeper
    ) -> (parts: [MembershipMessage.RosterMessage], last: [RosterKeeper.Directive]) {
        var asked = asked
        var parts: [MembershipMessage.RosterMessage] = []
        while case .send(let want, to: n2) = asked.first,
            case .send(let part, to: n1) = source.received(want, from: n1, at: 0).first
        {
            parts.append(part)
            asked = keeper.received(part, from: n2, at: 0)
        }
        return (parts, asked)
    }

    // MARK: Start

    @Test func nodeStartsFromTheHigherOfFileAndKept() {
        #expect(RosterKeeper(file: Self.roster(3), kept: Self.roster(2)).current == Self.roster(3))
        #expect(RosterKeeper(file: Self.roster(3), kept: Self.roster(4)).current == Self.roster(4))
        #expect(RosterKeeper(file: Self.roster(3), kept: nil).current == Self.roster(3))
    }

    @Test func rosterOfTheFileIsKeptBeforeItCounts() {
        var keeper = RosterKeeper(file: Self.roster(3), kept: Self.roster(2))
        #expect(keeper.start() == [.persist(Self.roster(3))])
        #expect(keeper.pending == Self.roster(3))
        // Nor is it given to anybody.
        #expect(keeper.received(.want(Self.roster(3).mark, part: 0), from: Self.n2, at: 0) == [])
        #expect(keeper.kept(Self.roster(3).mark).contains(.adopted(Self.roster(3))))
        #expect(keeper.pending == nil)
    }

    @Test func behindTheLastGenerationNothingIsTakenOver() {
        let last = Roster.generationMax
        var keeper = Self.keeper(Self.roster(last))
        let (ruling, directives) = keeper.read(Self.roster(last, replicas: 1))
        #expect(ruling == .refused(write: last + 1))
        #expect(!directives.contains { if case .persist = $0 { true } else { false } })
        #expect(keeper.current == Self.roster(last) && keeper.pending == nil)
    }

    @Test func fileThatWasEditedWithinItsGenerationWhileTheNodeWasDownIsNotUsed() {
        let (lower, higher) = Self.rivals(3)
        for (file, kept) in [(lower, higher), (higher, lower)] {
            var keeper = RosterKeeper(file: file, kept: kept)
            #expect(keeper.current == kept)
            #expect(keeper.start() == [.condition(.rosterStaleChange, text: Self.staleText)])
        }
    }

    // MARK: The operator's file

    @Test func changedContentWithoutAHigherGenerationIsRefusedWithTheNumberToWrite() {
        var keeper = Self.keeper(Self.roster(3))
        let (ruling, directives) = keeper.read(Self.roster(3, replicas: 1))
        #expect(ruling == .refused(write: 4))
        #expect(directives == [.condition(.rosterStaleChange, text: Self.staleText)])
        #expect(keeper.current == Self.roster(3))
        #expect(keeper.read(Self.roster(2, replicas: 1)).ruling == .refused(write: 4))
        // Still refused when it is read again, and no longer when it is taken back.
        #expect(keeper.read(Self.roster(3, replicas: 1)).ruling == .refused(write: 4))
        let back = keeper.read(Self.roster(3))
        #expect(back.ruling == .unchanged)
        #expect(back.directives == [.condition(.rosterStaleChange, text: nil)])
    }

    @Test func numberToWriteIsAboveAllThatAnybodyHasNamed() {
        var keeper = Self.keeper(Self.roster(3))
        _ = keeper.heard(RosterMark(generation: 41, hash: 7), from: Self.n2, at: 0)
        #expect(keeper.read(Self.roster(41, replicas: 1)).ruling == .refused(write: 42))
        #expect(keeper.read(Self.roster(42, replicas: 1)).ruling == .accepted)
    }

    @Test func fileThatIsReadAgainUnchangedIsNoFaultThoughTheClusterIsAhead() {
        var keeper = RosterKeeper(file: Self.roster(3), kept: Self.roster(9))
        #expect(keeper.read(Self.roster(3)).ruling == .unchanged)
        #expect(keeper.read(Self.roster(9)).ruling == .unchanged)
        #expect(keeper.current == Self.roster(9))
    }

    @Test func higherGenerationIsKeptAndThenInForce() {
        var keeper = Self.keeper(Self.roster(3))
        let (ruling, directives) = keeper.read(Self.roster(5, replicas: 1))
        #expect(ruling == .accepted)
        #expect(directives.first == .persist(Self.roster(5, replicas: 1)))
        #expect(keeper.current == Self.roster(3))
        #expect(keeper.kept(Self.roster(5, replicas: 1).mark).last == .adopted(Self.roster(5, replicas: 1)))
        #expect(keeper.current == Self.roster(5, replicas: 1))
    }

    @Test func rosterThatCouldNotBeKeptIsNotInForce() {
        var keeper = Self.keeper(Self.roster(3))
        _ = keeper.read(Self.roster(5))
        let text = "generation 5 is not in force: no space left"
        #expect(
            keeper.notKept(Self.roster(5).mark, reason: "no space left") == [.condition(.rosterNotKept, text: text)])
        #expect(keeper.kept(Self.roster(5).mark) == [])
        #expect(keeper.current == Self.roster(3))
        // The operator reads the same file again.
        #expect(keeper.read(Self.roster(5)).ruling == .accepted)
    }

    @Test func laterRosterOvertakesOneThatIsBeingKept() {
        var keeper = Self.keeper(Self.roster(3))
        _ = keeper.read(Self.roster(5))
        #expect(keeper.read(Self.roster(6)).directives.first == .persist(Self.roster(6)))
        #expect(keeper.kept(Self.roster(5).mark) == [])
        #expect(keeper.kept(Self.roster(6).mark).last == .adopted(Self.roster(6)))
    }

    // MARK: Gossip

    @Test func betterRosterIsAskedOfWhoeverNamesIt() {
        var (keeper, source) = (Self.keeper(Self.roster(3)), Self.keeper(Self.roster(8)))
        let asked = keeper.heard(source.current.mark, from: Self.n2, at: 0)
        #expect(asked == [.send(.want(Self.roster(8).mark, part: 0), to: Self.n2)])
        #expect(Self.fetch(asked, into: &keeper, from: &source).last == [.persist(Self.roster(8))])
        #expect(keeper.current == Self.roster(3))
        #expect(keeper.kept(Self.roster(8).mark).last == .adopted(Self.roster(8)))
    }

    @Test func lowerGenerationIsNotAskedFor() {
        var keeper = Self.keeper(Self.roster(3))
        #expect(keeper.heard(Self.roster(2).mark, from: Self.n2, at: 0) == [])
        #expect(keeper.heard(Self.roster(3).mark, from: Self.n2, at: 0) == [])
    }

    private static let large = RosterTests.roster(8, (0..<Roster.nodesMax).map { "node-\(10_000 + $0)" })

    @Test func largeRosterComesInPartsThatFitAFrame() {
        var (keeper, source) = (Self.keeper(Self.roster(3)), Self.keeper(Self.large))
        let asked = keeper.heard(Self.large.mark, from: Self.n2, at: 0)
        let (parts, last) = Self.fetch(asked, into: &keeper, from: &source)
        #expect(last == [.persist(Self.large)])
        #expect(parts.count == (Self.large.text.count + 32_767) / 32_768)
        #expect(parts.count > 2)
        #expect(parts.allSatisfy { MembershipCodec.encode(.roster($0)).count <= MembershipCodec.bytesMax })
    }

    @Test func oneFetchAtATimeUntilAPartIsLate() {
        var keeper = Self.keeper(Self.roster(3))
        let mark = Self.roster(8).mark
        #expect(keeper.heard(mark, from: Self.n1, at: 100).count == 1)
        #expect(keeper.heard(mark, from: Self.n2, at: 1_099) == [])
        #expect(keeper.heard(mark, from: Self.n2, at: 1_100) == [.send(.want(mark, part: 0), to: Self.n2)])
        // What the first sends after all is not mixed in.
        let part = MembershipMessage.RosterMessage.part(mark, part: 0, of: 1, text: Self.roster(8).text)
        #expect(keeper.received(part, from: Self.n1, at: 1_101) == [])
        #expect(keeper.received(part, from: Self.n2, at: 1_102) == [.persist(Self.roster(8))])
    }

    @Test func stillBetterRosterEndsTheFetchOfALesserOne() {
        var keeper = Self.keeper(Self.roster(3))
        _ = keeper.heard(Self.roster(8).mark, from: Self.n1, at: 0)
        let mark = Self.roster(9).mark
        #expect(keeper.heard(mark, from: Self.n2, at: 1) == [.send(.want(mark, part: 0), to: Self.n2)])
    }

    enum Falsehood: CaseIterable {
        case cut, changed, ofAnotherGeneration, ofAnotherCluster
    }

    @Test(arguments: Falsehood.allCases) func rosterThatIsNotWhatItsMarkSaysIsDropped(_ falsehood: Falsehood) {
        var keeper = Self.keeper(Self.roster(3))
        let foreign = Roster(cluster: "other", generation: 8, nodes: Self.roster(8).nodes, replicas: 2)
        let mark = falsehood == .ofAnotherCluster ? foreign.mark : Self.roster(8).mark
        _ = keeper.heard(mark, from: Self.n2, at: 0)
        let text: [UInt8] =
            switch falsehood {
            case .cut: Self.roster(8).text.dropLast()
            case .changed: Self.roster(8, replicas: 3).text
            case .ofAnotherGeneration: Self.roster(9).text
            case .ofAnotherCluster: foreign.text
            }
        #expect(keeper.received(.part(mark, part: 0, of: 1, text: text), from: Self.n2, at: 1) == [])
        #expect(keeper.pending == nil)
        // And is asked for again, of another at once.
        #expect(keeper.heard(mark, from: Self.n2, at: 2) == [])
        #expect(keeper.heard(mark, from: Self.n1, at: 3).count == 1)
    }

    // MARK: Who names what he does not have

    private static func want(_ mark: RosterMark, _ peer: NodeID) -> [RosterKeeper.Directive] {
        [.send(.want(mark, part: 0), to: peer)]
    }

    @Test func numberThatIsOnlyNamedIsUsedUpWithinBounds() {
        var keeper = Self.keeper(Self.roster(3))
        for generation in [1_004, 70_000, Roster.generationMax] {
            _ = keeper.heard(RosterMark(generation: generation, hash: 7), from: Self.n2, at: 0)
        }
        #expect(keeper.read(Self.roster(3, replicas: 1)).ruling == .refused(write: 4))
        // Nor is the bound moved by what is named.
        _ = keeper.heard(RosterMark(generation: 1_003, hash: 7), from: Self.n2, at: 0)
        _ = keeper.heard(RosterMark(generation: 2_003, hash: 7), from: Self.n2, at: 0)
        #expect(keeper.read(Self.roster(3, replicas: 1)).ruling == .refused(write: 1_004))
        #expect(keeper.read(Self.roster(1_004)).ruling == .accepted)
    }

    @Test func rosterOfAnyHigherGenerationIsInForceOnceItIsDelivered() {
        let last = Self.roster(Roster.generationMax)
        var (keeper, source) = (Self.keeper(Self.roster(3)), Self.keeper(last))
        let asked = keeper.heard(last.mark, from: Self.n2, at: 0)
        #expect(Self.fetch(asked, into: &keeper, from: &source).last == [.persist(last)])
    }

    /// n1 names a better roster every 10 ms and sends nothing; n2 has one, and says so four times a second.
    @Test func whoNamesWhatHeDoesNotDeliverDelaysOthersOnce() {
        var keeper = Self.keeper(Self.roster(3))
        var delays: [UInt64] = []
        for generation in 4...9 {
            let (real, begin) = (Self.roster(generation), UInt64(generation) * 10_000)
            var time = begin
            while keeper.pending == nil {
                let lie = RosterMark(generation: 1_000 + Int(time), hash: 7)
                _ = keeper.heard(lie, from: Self.n1, at: time)
                if time % 250 == 0, keeper.heard(real.mark, from: Self.n2, at: time) == Self.want(real.mark, Self.n2) {
                    let part = MembershipMessage.RosterMessage.part(real.mark, part: 0, of: 1, text: real.text)
                    #expect(keeper.received(part, from: Self.n2, at: time + 1) == [.persist(real)])
                }
                time += 10
            }
            delays.append(time - begin)
            _ = keeper.kept(real.mark)
        }
        #expect(delays.first.map { $0 <= RosterKeeper.partTimeout + 250 } == true)
        #expect(delays.dropFirst().allSatisfy { $0 == 10 }, "\(delays)")
    }

    /// A part before each deadline.
    @Test func whoSendsItsPartsOneByOneIsGivenUpToo() {
        var keeper = Self.keeper(Self.roster(3))
        let lie = RosterMark(generation: 9, hash: 7)
        #expect(keeper.heard(lie, from: Self.n1, at: 0) == Self.want(lie, Self.n1))
        for part in 0..<5 {
            let time = UInt64(part) * 990 + 990
            #expect(keeper.heard(Self.roster(8).mark, from: Self.n2, at: time) == [])
            _ = keeper.received(.part(lie, part: part, of: 32, text: [32]), from: Self.n1, at: time)
        }
        #expect(
            keeper.heard(Self.roster(8).mark, from: Self.n2, at: 5_000) == Self.want(Self.roster(8).mark, Self.n2))
        // What others fetch is not ended by it, not even by parts that nobody asked for.
        #expect(keeper.received(.part(lie, part: 0, of: 32, text: [32]), from: Self.n1, at: 5_001) == [])
        let part = MembershipMessage.RosterMessage.part(Self.roster(8).mark, part: 0, of: 1, text: Self.roster(8).text)
        #expect(keeper.received(part, from: Self.n2, at: 5_002) == [.persist(Self.roster(8))])
    }

    @Test func whoDidNotDeliverIsAskedAgainLaterAndInDoubtNoLongerOnceItDelivers() {
        var (keeper, source) = (Self.keeper(Self.roster(3)), Self.keeper(Self.roster(8)))
        let (mark, lie) = (Self.roster(8).mark, RosterMark(generation: 20, hash: 7))
        #expect(keeper.heard(mark, from: Self.n2, at: 0) == Self.want(mark, Self.n2))
        #expect(keeper.heard(mark, from: Self.n2, at: 1_000) == [])
        #expect(keeper.heard(mark, from: Self.n2, at: 2_999) == [])
        let asked = keeper.heard(mark, from: Self.n2, at: 3_000)
        #expect(asked == Self.want(mark, Self.n2))
        #expect(Self.fetch(asked, into: &keeper, from: &source).last == [.persist(Self.roster(8))])
        // Its word counts as that of n1 again: neither gives way to a lesser roster of the other.
        #expect(keeper.heard(lie, from: Self.n2, at: 3_001) == Self.want(lie, Self.n2))
        #expect(keeper.heard(Self.roster(9).mark, from: Self.n1, at: 3_002) == [])
    }

    /// It was asked, and stood still; the answer comes behind a heartbeat.
    @Test func whatComesLateFromOneInDoubtIsTaken() {
        var keeper = Self.keeper(Self.roster(3))
        let real = Self.roster(8)
        _ = keeper.heard(real.mark, from: Self.n2, at: 0)
        #expect(keeper.heard(real.mark, from: Self.n2, at: 1_500) == [])
        let part = MembershipMessage.RosterMessage.part(real.mark, part: 0, of: 1, text: real.text)
        #expect(keeper.received(part, from: Self.n2, at: 1_501) == [.persist(real)])
    }

    /// A node that is removed hears of it from whoever closes the link.
    @Test func rosterThatIsOfferedIsTakenUnasked() {
        var (keeper, source) = (Self.keeper(Self.roster(3)), Self.keeper(Self.large))
        var last: [RosterKeeper.Directive] = []
        for case .send(let part, to: Self.n1) in source.offer(to: Self.n1) {
            last = keeper.received(part, from: Self.n2, at: 0)
        }
        #expect(last == [.persist(Self.large)])
        // An older one is not.
        var older = Self.keeper(Self.roster(2))
        for case .send(let part, to: Self.n1) in older.offer(to: Self.n1) {
            #expect(keeper.received(part, from: Self.n2, at: 0) == [])
        }
    }

    // MARK: Two operators

    /// The peers that were named in conflicts.
    private static func conflicts(_ directives: [RosterKeeper.Directive]) -> [String] {
        directives.compactMap { directive in
            guard case .condition(.rosterConflict, let text?) = directive else { return nil }
            return text.contains("n1 has") ? "n1" : text.contains("n2 has") ? "n2" : "nobody"
        }
    }

    @Test func ofTwoRostersOfOneGenerationTheLowerHashIsUsedEverywhere() {
        let (lower, higher) = Self.rivals(6)
        var (keeper, source) = (Self.keeper(higher), Self.keeper(lower))
        var asked = keeper.heard(lower.mark, from: Self.n2, at: 0)
        #expect(Self.conflicts(asked) == ["n2"])
        asked.removeAll { if case .condition = $0 { true } else { false } }
        #expect(Self.fetch(asked, into: &keeper, from: &source).last == [.persist(lower)])
        _ = keeper.kept(lower.mark)
        #expect(keeper.current == lower)
        // The one that keeps its own says so too, and asks for nothing.
        let heard = source.heard(higher.mark, from: Self.n1, at: 0)
        #expect(Self.conflicts(heard) == ["n1"])
        #expect(heard.count == 1)
    }

    @Test func higherGenerationEndsTheConflict() {
        let (lower, higher) = Self.rivals(6)
        var keeper = Self.keeper(lower)
        _ = keeper.heard(higher.mark, from: Self.n2, at: 0)
        _ = keeper.read(Self.roster(7))
        #expect(keeper.kept(Self.roster(7).mark).contains(.condition(.rosterConflict, text: nil)))
    }
}
