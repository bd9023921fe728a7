/// Methods of one path: what `Allow` lists.
package struct HTTPMethodSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package init(_ method: HTTPMethod) {
        rawValue = 1 << method.rawValue
    }

    package func contains(_ method: HTTPMethod) -> Bool {
        contains(Self(method))
    }
}

extension HTTPMethodSet: CustomStringConvertible {
    /// The value of `Allow`: `GET, HEAD, PUT, OPTIONS`.
    package var description: String {
        HTTPMethod.names.filter { contains($0.method) }.map(\.name).joined(separator: ", ")
    }
}

extension HTTPMethod {
    /// Each method as RFC 9110 and 5789 write it, in the order of its raw values.
    fileprivate static let names: [(method: HTTPMethod, name: String)] = [
        (.get, "GET"), (.head, "HEAD"), (.post, "POST"), (.put, "PUT"), (.delete, "DELETE"), (.patch, "PATCH"),
        (.options, "OPTIONS"),
    ]
}
