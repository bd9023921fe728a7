import Cluster
import Services
import TestSupport
import Testing

@testable import Node

/// Requests by HTTP at nodes that are not the primary of their key.
@Suite(.serialized) struct CoordinatedHTTPTests {
    private static let cluster = CoordinatedNodes(count: 3, loops: 2)
    private var cluster: CoordinatedNodes { Self.cluster }

    private func ask(
        _ node: Int, _ method: String, _ target: String, _ fields: String = "", body: String? = nil
    ) throws -> HTTPAnswer {
        let client = try cluster.nodes[node].client()
        try client.send(request(method, target, fields, body: body))
        return try client.answer(to: method)
    }

    @Test func keyPutAtOneNodeIsReadAtEachOther() throws {
        let everyByte = String(decoding: (0..<128 as Range<UInt8>).map { $0 }, as: UTF8.self)
        for (index, value) in ["", "v", everyByte, String(repeating: "x", count: 3_000_000)].enumerated() {
            for primary in 0..<3 {
                let key = cluster.key(of: primary, "put-\(index)")
                let put = try ask(index % 3, "PUT", "/v1/cache/\(key)", "Content-Type: text/x\r\n", body: value)
                #expect(put.status == 201)
                #expect(put["x-tribe-copies"] == "2/2")
                #expect(put["x-tribe-partial"] == nil)
                for node in 0..<3 {
                    let got = try ask(node, "GET", "/v1/cache/\(key)")
                    #expect(got.status == 200)
                    #expect(got.text == value)
                    #expect(got["content-type"] == "text/x")
                    #expect(got["etag"] == put["etag"])
                    #expect(got["cache-control"] == "private, no-cache")
                    #expect(got.fields.count { $0.name == "date" } == 1)
                    let head = try ask(node, "HEAD", "/v1/cache/\(key)")
                    #expect(head.status == 200)
                    #expect(head["content-length"] == "\(value.utf8.count)")
                    let known = try ask(node, "GET", "/v1/cache/\(key)", "If-None-Match: \(put["etag"] ?? "")\r\n")
                    #expect(known.status == 304)
                }
            }
        }
    }

    @Test func everyNodeDeletesTouchesAndCounts() throws {
        let key = cluster.key(of: 0, "change")
        var sum = 0
        for round in 1...9 {
            let answer = try ask(round % 3, "POST", "/v1/cache/\(key)/increment", body: "{\"by\":\(round)}")
            sum += round
            #expect(answer.text == "{\"value\":\(sum)}")
            #expect(answer["x-tribe-copies"] == "2/2")
        }
        #expect(try ask(1, "POST", "/v1/cache/\(key)/touch", body: "{\"ttl\":\"60s\"}").status == 204)
        #expect(try ask(2, "GET", "/v1/cache/\(key)")["cache-status"]?.hasPrefix("tribe; hit; ttl=") == true)
        #expect(try ask(2, "DELETE", "/v1/cache/\(key)").status == 204)
        let miss = try ask(1, "GET", "/v1/cache/\(key)", "X-Request-Id: mine\r\n")
        #expect(miss.status == 404)
        #expect(miss["x-request-id"] == "mine")
        #expect(miss.text.contains("urn:uuid:mine"))
    }

    @Test func conditionsHoldForTheStoredVersionWhereverItIs() throws {
        let key = cluster.key(of: 2, "condition")
        let first = try ask(0, "PUT", "/v1/cache/\(key)", "If-None-Match: *\r\n", body: "1")
        #expect(first.status == 201)
        let second = try ask(1, "PUT", "/v1/cache/\(key)", "If-None-Match: *\r\n", body: "2")
        #expect(second.status == 412)
        #expect(second["etag"] == first["etag"])
        #expect(second["x-tribe-copies"] == nil)
        let tag = try #require(first["etag"])
        #expect(try ask(1, "PUT", "/v1/cache/\(key)", "If-Match: \(tag)\r\n", body: "3").status == 204)
        #expect(try ask(0, "DELETE", "/v1/cache/\(key)", "If-Match: \(tag)\r\n").status == 412)
    }

    @Test func faultsAreAnsweredAsOnOneNode() throws {
        let key = cluster.key(of: 1, "fault")
        #expect(try ask(0, "PUT", "/v1/cache/\(key)?tll=5s", body: "1").status == 422)
        #expect(try ask(0, "GET", "/v1/cache/\(key)?refresh=0s").status == 422)
        #expect(try ask(0, "POST", "/v1/cache/\(key)/increment", body: "{\"by\":\"x\"}").status == 422)
        #expect(try ask(0, "POST", "/v1/cache/\(key)/increment", body: "{").status == 400)
        #expect(try ask(0, "PUT", "/v1/cache/\(key)", body: "word").status == 201)
        #expect(try ask(2, "POST", "/v1/cache/\(key)/increment").status == 409)
    }

    @Test func leaseOfThePrimaryIsGivenOnceInTheCluster() throws {
        let key = cluster.key(of: 0, "lease")
        let lease = try ask(1, "GET", "/v1/cache/\(key)?refresh=30s")
        #expect(lease.status == 404)
        let token = try #require(lease["x-tribe-refresh"])
        var waiting: [HTTPTestClient] = []
        for node in 0..<3 {
            let client = try cluster.nodes[node].client()
            try client.send(request("GET", "/v1/cache/\(key)?refresh=30s&wait=30s"))
            waiting.append(client)
        }
        #expect(try ask(2, "GET", "/v1/cache/\(key)?refresh=30s")["x-tribe-refresh"] == nil)
        let settled = try ask(2, "PUT", "/v1/cache/\(key)", "X-Tribe-Refresh: \(token)\r\n", body: "loaded")
        #expect(settled.status == 201)
        for client in waiting {
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(answer.text == "loaded")
            #expect(answer["cache-control"] == "no-store")
        }
        let late = try ask(1, "PUT", "/v1/cache/\(key)", "X-Tribe-Refresh: \(token)\r\n", body: "late")
        #expect(late.status == 409)
    }

    @Test func operationsOfABatchGoEachToItsPrimary() throws {
        let keys = (0..<3).map { cluster.key(of: $0, "batch") }
        let puts = keys.map { "{\"op\":\"put\",\"key\":\"\($0)\",\"value\":\"dg==\",\"ttl\":\"1h\",\"tags\":[\"t\"]}" }
        let gets = (keys + ["batch-none"]).map { "{\"op\":\"get\",\"key\":\"\($0)\"}" }
        let operations = (puts + gets + ["{\"op\":\"increment\",\"key\":\"batch-n\",\"by\":-3,\"ttl\":\"1h\"}"])
        let body = "{\"operations\":[\(operations.joined(separator: ","))]}"
        for node in 0..<3 {
            let answer = try ask(node, "POST", "/v1/cache/batch", body: body)
            #expect(answer.status == 200)
            let statuses = answer.text.split(separator: "\"status\":").dropFirst().map { Int($0.prefix(3)) ?? 0 }
            let stored = node == 0 ? 201 : 204
            // The problem of the miss names its status too.
            #expect(Array(statuses) == [stored, stored, stored, 200, 200, 200, 404, 404, 200])
            #expect(answer.text.contains("{\"status\":200,\"value\":\(-3 * (node + 1))}"))
        }
        #expect(try ask(0, "POST", "/v1/cache/batch", body: "{\"operations\":[]}").text == "{\"results\":[]}")
    }

    @Test func copiesThatWereAskedForAreDemandedOfThePrimary() throws {
        let key = cluster.key(of: 1, "acks")
        for node in cluster.nodes {
            let roster = node.context.clusterAtStart.snapshot.roster
            node.context.live.adopt(
                Roster(cluster: roster.cluster, generation: 1, nodes: roster.nodes, replicas: 3))
        }
        cluster.board.state.withLock { $0.demands = [] }
        #expect(try ask(0, "PUT", "/v1/cache/\(key)?acks=2", body: "1").status == 201)
        let demand = cluster.board.state.withLock { $0.demands.first }
        guard case .copies(2, _) = demand else { return #expect(demand == nil) }
        cluster.board.state.withLock { $0.ends = [.refused(.notEnoughCopies)] }
        let short = try ask(0, "PUT", "/v1/cache/\(key)?acks=2", body: "1")
        #expect(short.status == 503)
        #expect(short.text.contains("\"not_enough_copies\""))
        #expect(short["retry-after"] != nil)
        #expect(try ask(0, "PUT", "/v1/cache/\(key)?acks=3", body: "1").status == 422)
        cluster.board.state.withLock { $0.isPartial = true }
        #expect(try ask(0, "PUT", "/v1/cache/\(key)", body: "1")["x-tribe-partial"] == "true")
        cluster.board.state.withLock { $0.isPartial = false }
    }

    @Test func changesThatMayHaveWaitedInASocketAreNotBegun() throws {
        let key = cluster.key(of: 0, "stale")
        cluster.board.state.withLock { $0.stale = [0] }
        defer { cluster.board.state.withLock { $0.stale = [] } }
        let refused = try ask(0, "PUT", "/v1/cache/\(key)", body: "old")
        #expect(refused.status == 503)
        #expect(refused["retry-after"] != nil)
        #expect(try ask(0, "GET", "/v1/cache/\(key)").status == 404)
        #expect(try RESPLineClient(cluster.nodes[0]).ask("SET", key, "old").hasPrefix("-CLUSTERDOWN"))
        #expect(try ask(1, "PUT", "/v1/cache/\(key)", body: "new").status == 201)
        #expect(try ask(0, "GET", "/v1/cache/\(key)").text == "new")
    }

    @Test func whatNobodyTakesIsAnsweredInTime() throws {
        let key = cluster.key(of: 1, "nobody")
        let partition = cluster.partition(of: key)
        cluster.setPrimary(nil, of: partition)
        defer { cluster.setPrimary(1, of: partition) }
        for method in ["GET", "DELETE"] {
            let answer = try ask(0, method, "/v1/cache/\(key)", "X-Request-Timeout: 1s\r\n")
            #expect(answer.status == 503)
            #expect(answer.text.contains("\"deadline\""))
        }
        #expect(try ask(0, "GET", "/v1/cache/\(key)?consistency=local").status == 404)
    }
}
