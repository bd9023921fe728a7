import Reactor

/// The shape of a JSON value or of a text: the part of JSON Schema that OpenAPI documents of ours need.
indirect enum Schema: Sendable {
    case string
    case formatted(String)
    /// A string that matches a regular expression (ECMA-262), with an example.
    case pattern(String, example: String)
    /// One of these words.
    case words([String])
    case integer
    case integer64
    case integerWithin(ClosedRange<Int>)
    case number
    case boolean
    case null
    /// Bytes of any kind, as they are.
    case bytes
    /// Bytes of any kind in a JSON string.
    case base64
    case array(Schema)
    /// Members that are named; more may come in later versions.
    case object([Member])
    /// Members of any name, all of one shape.
    case dictionary(of: Schema)
    case oneOf([Schema])
    /// One of the document's named schemas.
    case component(OpenAPIComponent)
    case described(String, Schema)

    struct Member: Sendable {
        let name: String
        let schema: Schema
        let isRequired: Bool

        static func required(_ name: String, _ schema: Schema, _ detail: String) -> Member {
            Member(name: name, schema: .described(detail, schema), isRequired: true)
        }

        static func optional(_ name: String, _ schema: Schema, _ detail: String) -> Member {
            Member(name: name, schema: .described(detail, schema), isRequired: false)
        }
    }

    static func nullable(_ schema: Schema) -> Schema {
        .oneOf([schema, .null])
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writeMembers(to: &$0) }
    }

    private func writeMembers(to writer: inout JSONWriter) {
        switch self {
        case .string: writer.member("type", "string")
        case .formatted(let format):
            writer.member("type", "string")
            writer.member("format", format)
        case .pattern(let pattern, let example):
            writer.member("type", "string")
            writer.member("pattern", pattern)
            writer.array("examples") { $0.string(example) }
        case .words(let words):
            writer.member("type", "string")
            writer.array("enum") { writer in
                for word in words {
                    writer.string(word)
                }
            }
        case .integer: writer.member("type", "integer")
        case .integer64:
            writer.member("type", "integer")
            writer.member("format", "int64")
        case .integerWithin(let range):
            writer.member("type", "integer")
            writer.member("minimum", range.lowerBound)
            writer.member("maximum", range.upperBound)
        case .number: writer.member("type", "number")
        case .boolean: writer.member("type", "boolean")
        case .null: writer.member("type", "null")
        case .bytes:
            writer.member("type", "string")
            writer.member("format", "binary")
        case .base64:
            writer.member("type", "string")
            writer.member("contentEncoding", "base64")
        case .array(let element):
            writer.member("type", "array")
            writer.key("items")
            element.write(to: &writer)
        case .object(let members): Self.write(members, to: &writer)
        case .dictionary(let element):
            writer.member("type", "object")
            writer.key("additionalProperties")
            element.write(to: &writer)
        case .oneOf(let schemas):
            writer.array("oneOf") { writer in
                for schema in schemas {
                    schema.write(to: &writer)
                }
            }
        case .component(let component): writer.member("$ref", "#/components/schemas/\(component.rawValue)")
        case .described(let detail, let schema):
            schema.writeMembers(to: &writer)
            writer.member("description", detail)
        }
    }

    private static func write(_ members: [Member], to writer: inout JSONWriter) {
        writer.member("type", "object")
        writer.object("properties") { writer in
            for member in members {
                writer.key(member.name)
                member.schema.write(to: &writer)
            }
        }
        let required = members.filter(\.isRequired)
        guard !required.isEmpty else { return }
        writer.array("required") { writer in
            for member in required {
                writer.string(member.name)
            }
        }
    }
}
