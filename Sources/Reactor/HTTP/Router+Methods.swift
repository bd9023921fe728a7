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
        HTTPMethod.allCases.filter { contains($0) }.map(\.name).joined(separator: ", ")
    }
}
