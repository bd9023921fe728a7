import Foundation
import Reactor
import Services
import TestSupport
import Testing

@testable import Node

@Suite(.serialized) struct CacheBatchTests {
    private func run(_ operations: [String], on client: HTTPTestClient) throws -> [[String: Any]] {
        let body = #"{"operations":[\#(operations.joined(separator: ","))]}"#
        try client.send(request("POST", "/v1/cache/batch", body: body))
        let answer = try client.answer(to: "POST")
        #expect(answer.status == 200)
        #expect(answer.body.count <= BatchAllowance.answerMax)
        let document = try #require(JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
        return try #require(document["results"] as? [[String: Any]])
    }

    @Test(arguments: [TestNode.ofOneLoop, TestNode.ofFourLoops])
    func getsThatDoNotFitIntoTheAnswerAreRefusedAndTheOthersAreAnswered(_ node: NodeRuntime) throws {
        let client = try node.client()
        for name in ["large", "small"] {
            let value = String(repeating: "x", count: name == "large" ? 3 << 20 : 10)
            try client.send(request("PUT", "/v1/cache/batch-\(name)", body: value))
            #expect(try [201, 204].contains(client.answer(to: "PUT").status))
        }
        let account = node.context.cache.account
        let used = account.used
        let large = [String](repeating: #"{"op":"get","key":"batch-large"}"#, count: 500)
        let others = [#"{"op":"get","key":"batch-small"}"#, #"{"op":"put","key":"batch-new","value":"eA=="}"#]
        let results = try run(large + others, on: client)
        let statuses = try results.map { try #require($0["status"] as? Int) }
        #expect(statuses.count { $0 == 200 } == 4)
        #expect(statuses.count { $0 == 413 } == 497 && statuses.last.map { [201, 204].contains($0) } == true)
        let problem = try #require(results[499]["problem"] as? [String: Any])
        #expect(problem["code"] as? String == "answer_too_large")
        #expect(Deadline.waitUntil { account.used <= used + 4 << 20 })
    }

    @Test func theAllowanceChargesWhatItGrantsUntilItsEnd() throws {
        let account = MemoryAccount(budget: 64 << 20, shards: 1)
        var allowance = BatchAllowance(results: 100, account: account)
        #expect(account.used == 100 * BatchAllowance.resultMax)
        #expect(try #require(allowance).take(1 << 20) == nil)
        #expect(try #require(allowance).take(16 << 20) == .answerTooLarge)
        #expect(account.used == 100 * BatchAllowance.resultMax + 1 << 20)
        allowance = nil
        #expect(account.used == 0)
    }

    @Test func withoutMemoryNothingIsGrantedNorKept() throws {
        let account = MemoryAccount(budget: 1 << 20, shards: 1)
        do {
            let allowance = try #require(BatchAllowance(results: 1, account: account))
            #expect(allowance.take(8 << 20) == .noMemory)
            #expect(account.used == BatchAllowance.resultMax)
            #expect(BatchAllowance(results: 1 << 20, account: account) == nil)
        }
        #expect(account.used == 0)
    }
}
