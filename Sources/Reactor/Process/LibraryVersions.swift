import CCURL
import CHTTPParser
import CLibuv
import CXXHash

/// The versions of the C libraries that this process runs with.
package enum LibraryVersions {
    package static var all: [(name: String, version: String)] {
        [
            ("libuv", unsafe String(cString: uv_version_string())),
            ("http_parser", httpParser),
            ("xxHash", xxHash),
            ("libcurl", HTTPTransfer.libraryVersion.replacing("libcurl/", with: "")),
        ]
    }

    private static var httpParser: String {
        let number = http_parser_version()
        return "\(number >> 16 & 0xFF).\(number >> 8 & 0xFF).\(number & 0xFF)"
    }

    private static var xxHash: String {
        let number = XXH_versionNumber()
        return "\(number / 10_000).\(number / 100 % 100).\(number % 100)"
    }
}
