import Cluster
import TestSupport
import Testing

private let a = NodeID("a")!
private let b = NodeID("b")!

struct RequestTableTests {
    /// Two tables and what each has directed.
    private struct Pair {
        var asking = RequestTable()
        var serving = RequestTable()
        var now: UInt64 = 1_000
        var answered: [UInt64: RequestOutcome] = [:]
        var asked: [(token: UInt64, payload: [UInt8], deadline: UInt64)] = []
        var withdrawn: [UInt64] = []
        var toServing: [Frame] = []
        var toAsking: [Frame] = []

        var moment: Moment { Moment(monotonic: now, wall: 0) }

        mutating func note(_ directives: [RequestDirective]) {
            for directive in directives {
                switch directive {
                case .send(let frame, let peer):
                    if peer == b { toServing.append(frame) } else { toAsking.append(frame) }
                case .answered(let token, let outcome):
                    #expect(answered[token] == nil, "token \(token) ended twice")
                    answered[token] = outcome
                case .asked(let token, _, let payload, let deadline): asked.append((token, payload, deadline))
                case .withdrawn(let token): withdrawn.append(token)
                }
            }
        }

        mutating func ask(_ token: UInt64, in time: UInt64 = 500) {
            note(asking.ask(token, of: b, payload: [UInt8(token & 0xFF)], deadline: now + time, at: moment))
        }

        mutating func exchange() {
            while !toServing.isEmpty || !toAsking.isEmpty {
                let (there, back) = (toServing, toAsking)
                (toServing, toAsking) = ([], [])
                for frame in there {
                    note(serving.received(frame, from: LinkNetwork.identity(a), at: moment))
                }
                for frame in back { note(asking.received(frame, from: LinkNetwork.identity(b), at: moment)) }
            }
        }

        mutating func answer(_ token: UInt64, _ payload: [UInt8]) {
            note(serving.answer(token, payload: payload, at: moment))
        }

        mutating func pass(_ milliseconds: UInt64) {
            now += milliseconds
            note(asking.tick(at: moment))
            note(serving.tick(at: moment))
        }
    }

    @Test func aRequestIsAnswered() {
        var pair = Pair()
        pair.ask(7)
        pair.now += 20
        pair.exchange()
        #expect(pair.asked.map(\.payload) == [[7]])
        #expect(pair.asked[0].deadline == pair.now + 500)
        pair.answer(pair.asked[0].token, [1, 2])
        pair.exchange()
        #expect(pair.answered == [7: .answer([1, 2])])
        #expect(pair.asking.askedCount == 0 && pair.serving.servingCount == 0)
    }

    @Test func answersComeInAnyOrder() {
        var pair = Pair()
        for token in 1...50 as ClosedRange<UInt64> { pair.ask(token) }
        pair.exchange()
        for request in pair.asked.reversed() { pair.answer(request.token, request.payload + [9]) }
        pair.exchange()
        for token in 1...50 as ClosedRange<UInt64> { #expect(pair.answered[token] == .answer([UInt8(token), 9])) }
    }

    @Test func aDeadlineEndsItAtBothEndsAndALateAnswerFindsNobody() {
        var pair = Pair()
        pair.ask(1, in: 100)
        pair.exchange()
        #expect(pair.asking.nextDeadline == pair.now + 100)
        let late = pair.serving.answer(pair.asked[0].token, payload: [], at: pair.moment)
        pair.pass(100)
        #expect(pair.answered == [1: .timedOut])
        pair.note(late)
        pair.exchange()
        #expect(pair.answered == [1: .timedOut])
        pair.ask(2, in: 100)
        pair.exchange()
        pair.pass(100)
        #expect(pair.withdrawn == [pair.asked[1].token])
        pair.answer(pair.asked[1].token, [])
        #expect(pair.toAsking.isEmpty)
    }

    @Test func aRequestWhoseTimeIsOverIsNotSent() {
        var pair = Pair()
        pair.ask(1, in: 0)
        #expect(pair.answered == [1: .timedOut] && pair.toServing.isEmpty)
    }

    @Test func theLossOfTheLinkEndsWhatIsUnderWay() {
        var pair = Pair()
        for token in 1...3 as ClosedRange<UInt64> { pair.ask(token) }
        pair.exchange()
        pair.note(pair.asking.linkLost(b))
        pair.note(pair.serving.linkLost(a))
        #expect(pair.answered == [1: .linkLost, 2: .linkLost, 3: .linkLost])
        #expect(pair.withdrawn.count == 3)
        pair.answer(pair.asked[0].token, [])
        #expect(pair.toAsking.isEmpty)
    }

    @Test(arguments: [RequestOutcome.noLink, .refused]) func whatDoesNotLeaveEndsAtOnce(outcome: RequestOutcome) {
        var pair = Pair()
        pair.ask(1)
        pair.note(pair.asking.undelivered(pair.toServing[0], to: b, outcome))
        #expect(pair.answered == [1: outcome])
    }

    @Test func aRequestThatIsTakenBackIsWithdrawn() {
        var pair = Pair()
        pair.ask(1)
        pair.exchange()
        pair.note(pair.asking.cancel(1))
        pair.exchange()
        #expect(pair.answered == [1: .cancelled] && pair.withdrawn == [pair.asked[0].token])
    }

    @Test func howManyAreUnderWayIsBounded() {
        var pair = Pair()
        let max = UInt64(RequestTable.perPeerMax)
        for token in 0...max { pair.ask(token) }
        #expect(pair.answered == [max: .refused])
        // One that does not keep to it is refused at the other end.
        pair.exchange()
        pair.toServing = [Frame(type: .request, stream: 900_000, payload: [1, 0, 0, 0])]
        pair.exchange()
        #expect(pair.asked.count == RequestTable.perPeerMax)
        pair.pass(500)
        #expect(pair.answered.count == RequestTable.perPeerMax + 1)
        pair.ask(max + 1)
        pair.exchange()
        #expect(pair.asked.count == RequestTable.perPeerMax + 1)
    }

    @Test func aRefusalByThePeerIsToldFromAnAnswer() {
        var pair = Pair()
        pair.ask(1)
        pair.toAsking = [Frame(type: .response, flags: 1, stream: pair.toServing[0].stream)]
        pair.toServing = []
        pair.exchange()
        #expect(pair.answered == [1: .refused])
    }

    @Test(arguments: [[], [1], [1, 2, 3]] as [[UInt8]]) func aRequestThatIsTooShortIsRefused(payload: [UInt8]) {
        var pair = Pair()
        pair.toServing = [Frame(type: .request, stream: 1, payload: payload)]
        pair.exchange()
        #expect(pair.asked.isEmpty && pair.serving.servingCount == 0)
    }

    /// What has ended before its deadline is not kept until then.
    @Test func memoryFollowsWhatIsUnderWay() {
        var pair = Pair()
        for token in 0..<20_000 as Range<UInt64> {
            pair.ask(token, in: 60_000)
            pair.exchange()
            pair.answer(pair.asked[0].token, [])
            pair.exchange()
            pair.asked = []
        }
        #expect(pair.answered.count == 20_000)
        pair.pass(60_000)
        #expect(pair.asking.nextDeadline == .max && pair.serving.nextDeadline == .max)
    }

    /// Against a naive table, on random steps.
    @Test(arguments: 0..<50) func everyRequestEndsOnce(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var pair = Pair()
        var deadlines: [UInt64: UInt64] = [:]
        for token in 0..<2_000 as Range<UInt64> {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let time = UInt64.random(in: 1...300, using: &random)
                deadlines[token] = pair.now + time
                pair.ask(token, in: time)
            case 6: pair.note(pair.asking.cancel(UInt64.random(in: 0...token, using: &random)))
            case 7:
                if Int.random(in: 0..<10, using: &random) == 0 {
                    pair.toServing = []
                    pair.toAsking = []
                    pair.note(pair.asking.linkLost(b))
                    pair.note(pair.serving.linkLost(a))
                }
            default:
                if let request = pair.asked.randomElement(using: &random) { pair.answer(request.token, [1]) }
            }
            if Bool.random(using: &random) { pair.exchange() }
            pair.pass(UInt64.random(in: 0...5, using: &random))
            for (token, deadline) in deadlines where deadline <= pair.now { #expect(pair.answered[token] != nil) }
        }
        pair.pass(1_000)
        #expect(pair.answered.count == deadlines.count)
        #expect(pair.asking.askedCount == 0 && pair.serving.servingCount == 0)
    }
}
