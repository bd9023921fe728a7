import Testing

@testable import Cluster

@Test func placeholder() {}
