import Reactor
import TestSupport
import Testing

@testable import Node
@testable import Services

@Suite(.serialized) struct CacheRefreshPipelineTests {
    /// The answer to a waiter is made while the shard shows the entry; what stands behind the waiter on its connection
    /// must not reach the shard before that is over.
    @Test(arguments: [request("PUT", "/v1/cache/behind", body: "b"), request("GET", "/v1/cache/behind")])
    func aRequestBehindAWaiterIsHandledAfterTheWaitersAnswer(_ behind: String) throws {
        let node = TestNode.ofOneLoop
        let key = "/v1/cache/pipeline-\(behind.prefix(3))"
        let loader = try node.client()
        try loader.send(request("GET", "\(key)?refresh=60s"))
        let token = try #require(try loader.answer()["x-tribe-refresh"])
        let waiter = try node.client()
        try waiter.send(request("GET", "\(key)?refresh=60s&wait=60s") + behind)
        let other = try node.client()
        #expect(Deadline.waitUntil { node.waiterCount == 1 })
        try loader.send(request("PUT", key, "X-Tribe-Refresh: \(token)\r\n", body: "loaded"))
        #expect(try loader.answer().status == 201)
        #expect(try waiter.answer().text == "loaded")
        #expect(try [200, 201, 204, 404].contains(waiter.answer().status))
        try other.send(request("GET", key))
        #expect(try other.answer().text == "loaded")
    }

    @Test(arguments: [TestNode.ofOneLoop, TestNode.ofFourLoops])
    func aWaiterWhoseClientLeavesWaitsNoLonger(_ node: NodeRuntime) throws {
        let loader = try node.client()
        let keys = (0..<8).map { "/v1/cache/leaving-\($0)" }
        for key in keys { try loader.send(request("GET", "\(key)?refresh=60s")) }
        for _ in keys { #expect(try loader.answer()["x-tribe-refresh"] != nil) }
        do {
            let waiters = try keys.map { key in
                let client = try node.client()
                try client.send(request("GET", "\(key)?refresh=60s&wait=60s"))
                return client
            }
            #expect(Deadline.waitUntil { node.waiterCount == waiters.count })
        }
        #expect(Deadline.waitUntil { node.waiterCount == 0 })
    }
}

extension NodeRuntime {
    /// Requests that wait for another caller's load, on all loops.
    var waiterCount: Int {
        context.cache.shards.reduce(0) { count, shard in
            count + shard.loop.wait { shard.assumeIsolated { $0.leases.waiterCount } }
        }
    }
}
