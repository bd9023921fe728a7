// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // `@_lifetime`: a Span handed out by a type of our own lives no longer than its owner.
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "tribe",
    products: [.executable(name: "tribe", targets: ["Tribe"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(name: "CHTTPParser", providers: [.apt(["libhttp-parser-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCURL", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(
            name: "Reactor",
            dependencies: [
                "CLibuv", "CHTTPParser", "CXXHash", "COpenSSL", "CCURL",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict),
        .target(
            name: "Cluster",
            dependencies: [
                "Reactor",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: strict),
        .target(
            name: "Services",
            dependencies: [
                "Cluster", "Reactor",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: strict),
        .target(
            name: "Node",
            dependencies: [
                "Services", "Cluster", "Reactor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "Tribe", dependencies: ["Node"], swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "Simulator",
            dependencies: [
                "Cluster", "Reactor", "TestSupport",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            path: "Tests/Simulator",
            swiftSettings: strict),
        .executableTarget(
            name: "Simulate",
            dependencies: [
                "Simulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Simulate",
            swiftSettings: strict),
        .testTarget(name: "ReactorTests", dependencies: ["Reactor", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests",
            dependencies: ["Cluster", "TestSupport"],
            exclude: ["Vectors"],
            swiftSettings: strict),
        .testTarget(
            name: "SimulatorTests",
            dependencies: ["Simulator", "Cluster", "TestSupport"],
            swiftSettings: strict),
        .testTarget(name: "ServicesTests", dependencies: ["Services", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "NodeTests", dependencies: ["Node", "TestSupport"], swiftSettings: strict),
    ]
)

// libFuzzer brings its own main, which breaks a plain build: these targets exist only when TRIBE_FUZZ is set.
//
//     TRIBE_FUZZ=1 swift build -c release --sanitize=fuzzer --sanitize=address --scratch-path .build-fuzz \
//         --product FuzzHTTPGate
//     mkdir -p .build-fuzz/corpus
//     .build-fuzz/release/FuzzHTTPGate -runs=10000000 -max_len=1024 .build-fuzz/corpus \
//         Tests/Corpus/http/valid Tests/Corpus/http/smuggling
if Context.environment["TRIBE_FUZZ"] != nil {
    func fuzz(_ name: String) -> Target {
        .executableTarget(
            name: "Fuzz\(name)",
            dependencies: ["Cluster", "Reactor"],
            path: "Tests/Fuzz/\(name)",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    }
    package.targets += [fuzz("Frames"), fuzz("HTTPGate"), fuzz("JSON"), fuzz("RESP")]
    // Of several `-sanitize` flags the compiler obeys the last, and the package manager passes them in random order:
    // one flag that names both comes behind them.
    for target in package.targets where target.type == .regular || target.type == .executable {
        target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer,address"])]
    }
}
