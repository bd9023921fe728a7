import Foundation
import Testing

@testable import Node

@Suite struct DemoPlanTests {
    @Test func theFirstNodeHasThePortsThatWereAskedForAndTheOthersFollow() throws {
        let plan = try #require(DemoPlan(count: 3, http: 8_080, resp: 6_380, peer: 7_400))
        #expect(plan.nodes.map(\.id) == ["n1", "n2", "n3"])
        #expect(plan.nodes.map(\.http) == [8_080, 8_081, 8_082])
        #expect(plan.nodes.map(\.resp) == [6_380, 6_381, 6_382])
        #expect(plan.nodes.map(\.peer) == [7_400, 7_401, 7_402])
    }

    @Test(arguments: [(8_080, 8_082, 7_400), (65_534, 6_380, 7_400), (0, 6_380, 7_400)])
    func portsThatOverlapOrAreNoneAreRefused(http: Int, resp: Int, peer: Int) {
        #expect(DemoPlan(count: 3, http: http, resp: resp, peer: peer) == nil)
    }

    @Test(arguments: [1, 3, DemoPlan.countMax]) func eachNodeCanStartFromTheSettings(count: Int) throws {
        let fixture = try SettingsFixture()
        let plan = try #require(DemoPlan(count: count, http: 8_080, resp: 6_380, peer: 7_400))
        let file = try fixture.write(String(decoding: plan.settings(loops: 2), as: UTF8.self))
        for node in plan.nodes {
            let reading = SettingsReader(sources: SettingsSources(file: file, nodeID: node.id)).read()
            #expect(reading.faults.isEmpty)
            #expect(reading.settings.http == "127.0.0.1:\(node.http)")
            #expect(reading.settings.loops == 2)
        }
        #expect(DemoPlan(roster: SettingsReader(sources: SettingsSources(file: file)).read().settings.roster) == plan)
    }

    @Test func theWelcomeNamesEveryNodeAndARequestToTry() throws {
        let plan = try #require(DemoPlan(count: 2, http: 9_000, resp: 9_100, peer: 9_200))
        let text = plan.welcome(processes: [41, 42], file: "/tmp/x/cluster.json")
        for piece in ["http://127.0.0.1:9000  127.0.0.1:9100  41", "http://127.0.0.1:9001  127.0.0.1:9101  42"] {
            #expect(text.contains(piece))
        }
        #expect(text.contains("curl http://127.0.0.1:9000/v1/cache/greeting"))
    }
}
