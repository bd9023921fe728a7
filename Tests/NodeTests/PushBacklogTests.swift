import Reactor
import Services
import Testing

@testable import Node

@Suite struct PushBacklogTests {
    private let account = MemoryAccount(budget: 1 << 20, shards: 3)

    private func backlog(max: Int) -> PushBacklog { PushBacklog(bytesMax: max, loops: 3, account: account) }

    @Test func countsCopiesOfAllLoopsAndPayloads() {
        let backlog = backlog(max: 1_000)
        backlog.charge(100, loop: 0)
        backlog.charge(300, loop: 2)
        #expect(backlog.reserve(50))
        #expect(backlog.used == 450)
        #expect(account.used == 50)
        backlog.charge(-300, loop: 2)
        backlog.release(50)
        #expect(backlog.used == 100)
        #expect(account.used == 0)
    }

    @Test func theLoopWithMostCopiesIsAskedAndOnlyOnceUntilItAnswers() {
        let backlog = backlog(max: 1_000)
        backlog.charge(100, loop: 0)
        backlog.charge(300, loop: 1)
        #expect(backlog.fullestLoop == 1)
        #expect(backlog.ask(1))
        #expect(!backlog.ask(1))
        backlog.answered(1)
        #expect(backlog.ask(1))
    }

    @Test func payloadsAreRefusedWhenDroppingCannotKeepUpOrMemoryIsShort() {
        let backlog = backlog(max: 1_000)
        #expect(backlog.reserve(2_001))
        #expect(!backlog.reserve(1))
        backlog.release(2_001)
        #expect(!backlog.reserve(2 << 20))
        #expect(backlog.used == 0 && account.used == 0)
    }

    @Test func aPayloadIsChargedUntilTheLastWhoSharesItLetsItGo() throws {
        let backlog = backlog(max: 1 << 20)
        let payload = [UInt8](repeating: 1, count: PublishedMessage.sharedMin)
        let channel = Array("c".utf8)
        var message = PublishedMessage(channel: channel.span, payload: payload.span, budget: backlog)
        #expect(message?.sharedCount == payload.count)
        #expect(backlog.used == payload.count + Blob.overhead)
        message = nil
        #expect(backlog.used == 0)
        let small = PublishedMessage(channel: channel.span, payload: channel.span, budget: backlog)
        #expect(small?.sharedCount == 0 && backlog.used == 0)
    }
}
