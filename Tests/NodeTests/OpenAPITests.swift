import Foundation
import Reactor
import Testing

@testable import Node

@Suite struct OpenAPITests {
    static let routes: [Route<Void>] = [
        Route(.get, "/", .getStatusPage, ()),
        Route(.get, "/livez", .getLiveness, ()),
        Route(.get, "/readyz", .getReadiness, ()),
        Route(.get, "/metrics", .getPrometheusMetrics, ()),
        Route(.get, "/openapi.json", .getOpenAPIDocument, ()),
        Route(.get, "/v1/cluster", .getCluster, ()),
        Route(.get, "/v1/cluster/partitions", .getPartitions, ()),
        Route(.get, "/v1/cluster/status", .getClusterStatus, ()),
        Route(.get, "/v1/events", .streamEvents, ()),
        Route(.get, "/v1/errors/{code:word}", .explainError, ()),
        Route(.get, "/v1/cache", .listCacheKeys, ()),
        Route(.delete, "/v1/cache", .invalidateCache, ()),
        Route(.post, "/v1/cache/batch", .runCacheBatch, ()),
        Route(.put, "/v1/cache/{key}", .putCacheEntry, ()),
        Route(.get, "/v1/cache/{key}", .getCacheEntry, ()),
        Route(.delete, "/v1/cache/{key}", .deleteCacheEntry, ()),
        Route(.post, "/v1/cache/{key}/touch", .touchCacheEntry, ()),
        Route(.post, "/v1/cache/{key}/increment", .incrementCacheEntry, ()),
        Route(.delete, "/v1/cache/{key}/refresh", .giveUpCacheRefresh, ()),
    ]

    private let bytes: [UInt8]
    private let root: [String: Any]

    init() throws {
        bytes = try OpenAPIDocument(title: "Tribe", version: "1.2.3", routes: Self.routes).bytes
        root = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func theRoutesOfTheTableDoNotClash() throws {
        _ = try Router(Self.routes.map { ($0.method, $0.pattern, $0.operation.id) })
    }

    @Test func everyRouteOfTheTableIsInTheDocumentAndNothingElse() throws {
        var listed: Set<String> = []
        for (path, item) in try paths {
            for (method, operation) in item {
                let id = try #require(operation["operationId"] as? String)
                listed.insert("\(method.uppercased()) \(path) \(id)")
            }
        }
        let own = try Self.routes.map { route in
            "\(route.method.name) \(try RoutePattern(route.pattern).template) \(route.operation.id)"
        }
        let implied = own.filter { $0.hasPrefix("GET ") }.map { "HEAD \($0.dropFirst(4))Head" }
        #expect(listed == Set(own + implied))
    }

    @Test func everyParameterOfAPatternIsDescribed() throws {
        for (path, item) in try paths {
            for (method, operation) in item {
                let parameters = try #require(operation["parameters"] as? [[String: Any]])
                let described = parameters.filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
                #expect(described == (try RoutePattern(path)).parameters.map(\.name), "\(method) \(path)")
            }
        }
    }

    @Test func everyBodyIsTypedAndEveryErrorIsAProblem() throws {
        for (path, item) in try paths {
            for (method, operation) in item {
                let responses = try #require(operation["responses"] as? [String: [String: Any]])
                for (status, response) in responses {
                    let content = response["content"] as? [String: [String: Any]] ?? [:]
                    #expect(content.values.allSatisfy { $0["schema"] is [String: Any] })
                    let mayHaveBody = method != "head" && Int(status)! >= 400
                    #expect((content["application/problem+json"] != nil) == mayHaveBody, "\(method) \(path) \(status)")
                }
            }
        }
    }

    @Test func theUpstashFrontIsDescribedWithItsOwnErrors() throws {
        let routes: [Route<Void>] = [
            Route(.post, "/", .runCommand, ()), Route(.post, "/pipeline", .runPipeline, ()),
            Route(.post, "/multi-exec", .runTransaction, ()),
        ]
        let bytes = try OpenAPIDocument(title: "Tribe", version: "1.2.3", routes: routes).bytes
        let root = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let paths = try #require(root["paths"] as? [String: [String: [String: Any]]])
        #expect(Set(paths.keys) == ["/", "/pipeline", "/multi-exec"])
        for operation in paths.values.flatMap(\.values) {
            let responses = try #require(operation["responses"] as? [String: [String: Any]])
            #expect(Set(responses.keys).isSuperset(of: ["200", "400", "401", "403", "503"]))
            for response in responses.values {
                let content = try #require(response["content"] as? [String: Any])
                #expect(content["application/json"] != nil && content["application/problem+json"] == nil)
            }
        }
    }

    @Test func everyOperationThatNeedsATokenSaysWhoMayAndHowItIsRefused() throws {
        let roles = Dictionary(uniqueKeysWithValues: Self.routes.map { ($0.operation.id, $0.operation.role) })
        for operation in try paths.values.flatMap(\.values) {
            let id = try #require(operation["operationId"] as? String)
            let security = try #require(operation["security"] as? [[String: [String]]])
            let responses = try #require(operation["responses"] as? [String: Any])
            let role = try #require(roles[id] ?? roles[String(id.dropLast(4))])
            let names = role == .authenticated ? [[]] : role.names.map { [$0] }
            #expect(security == names.map { ["token": $0] })
            #expect((responses["401"] != nil) == !role.contains(.open))
        }
    }

    @Test func everyCapacityProblemCarriesRetryAfter() throws {
        for operation in try paths.values.flatMap(\.values) {
            let responses = try #require(operation["responses"] as? [String: [String: Any]])
            for status in ["429", "503"] {
                let headers = try #require(responses[status]?["headers"] as? [String: Any])
                #expect(headers["Retry-After"] != nil)
            }
        }
    }

    @Test func everyReferenceResolves() throws {
        var references: [String] = []
        collectReferences(of: root, &references)
        #expect(references.count > 100)
        for reference in Set(references) {
            let steps = reference.split(separator: "/").map(String.init)
            #expect(steps.first == "#")
            let target = steps.dropFirst().reduce(root as Any?) { ($0 as? [String: Any])?[$1] }
            #expect(target is [String: Any], "\(reference)")
        }
    }

    @Test func twoDocumentsOfOneTableAreTheSameBytes() throws {
        #expect(try OpenAPIDocument(title: "Tribe", version: "1.2.3", routes: Self.routes).bytes == bytes)
    }

    @Test func aRouteWhoseParametersAreNotDescribedStopsTheStart() async {
        await #expect(processExitsWith: .failure) {
            _ = try OpenAPIDocument(title: "", version: "", routes: [Route(.get, "/a/{name}", .getLiveness, ())])
        }
    }

    @Test func twoOperationsOfOneNameStopTheStart() async {
        await #expect(processExitsWith: .failure) {
            let routes = [Route(.get, "/a", .getLiveness, ()), Route(.get, "/b", .getLiveness, ())]
            _ = try OpenAPIDocument(title: "", version: "", routes: routes)
        }
    }

    @Test(.enabled(if: PythonValidator.isInstalled, "needs the Python package openapi-spec-validator"))
    func theDocumentIsValidOpenAPI() throws {
        #expect(try PythonValidator.validate(bytes) == "valid 3.1\n")
    }

    @Test(.enabled(if: PythonValidator.isInstalled, "needs the Python package openapi-spec-validator"))
    func theValidatorSeesAMissingResponse() throws {
        var broken = root
        broken["info"] = ["title": "without a version"]
        let data = try JSONSerialization.data(withJSONObject: broken)
        #expect(try PythonValidator.validate(Array(data)) != "valid 3.1\n")
    }

    /// By path and method.
    private var paths: [String: [String: [String: Any]]] {
        get throws { try #require(root["paths"] as? [String: [String: [String: Any]]]) }
    }

    private func collectReferences(of value: Any, _ references: inout [String]) {
        if let object = value as? [String: Any] {
            if let reference = object["$ref"] as? String {
                references.append(reference)
            }
            for member in object.values {
                collectReferences(of: member, &references)
            }
        } else if let array = value as? [Any] {
            for element in array {
                collectReferences(of: element, &references)
            }
        }
    }
}

/// The reference validator, as a process.
private enum PythonValidator {
    static let isInstalled = (try? run("import openapi_spec_validator", [])) == ""

    /// What it says of a document; that no object repeats a name is checked as well, because JSON parsers hide it.
    static func validate(_ document: [UInt8]) throws -> String {
        let script = """
            import json, sys
            from openapi_spec_validator import OpenAPIV31SpecValidator
            def unique(pairs):
                names = [name for name, _ in pairs]
                if len(names) != len(set(names)): sys.exit(f"repeated names: {names}")
                return dict(pairs)
            document = json.load(sys.stdin, object_pairs_hook=unique)
            errors = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
            print("\\n".join(errors) if errors else "valid 3.1")
            """
        return try run(script, document)
    }

    private static func run(_ script: String, _ input: [UInt8]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let (stdin, output) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input))
        try stdin.fileHandleForWriting.close()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }
}
