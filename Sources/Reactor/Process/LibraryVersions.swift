import CCURL
import CHTTPParser
import CLibuv
import COpenSSL
import CXXHash

/// The versions of the C libraries that this process runs with.
package enum LibraryVersions {
    package static var all: [(name: String, version: String)] {
        [
            ("libuv", unsafe String(cString: uv_version_string())),
            ("OpenSSL", openSSL),
            ("http_parser", httpParser),
            ("xxHash", xxHash),
            ("libcurl", HTTPTransfer.libraryVersion.replacing("libcurl/", with: "")),
        ]
    }

    /// `OpenSSL 3.0.15 3 Sep 2024`, of which the second word is the version.
    private static var openSSL: String {
        let words = unsafe String(cString: OpenSSL_version(OPENSSL_VERSION)).split(separator: " ")
        return words.count > 1 ? String(words[1]) : "unknown"
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
