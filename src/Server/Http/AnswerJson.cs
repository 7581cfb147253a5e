using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Server.Http;

/// <summary>JSON of answers: text stays as it is (Korean, quotes, plus signs), since it is never put into HTML.</summary>
internal static class AnswerJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Write(object body, JsonTypeInfo type)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(buffer, body, type);
        return buffer.WrittenMemory;
    }

    public static void Write(IBufferWriter<byte> output, object body, JsonTypeInfo type)
    {
        using var writer = new Utf8JsonWriter(output, Options);
        JsonSerializer.Serialize(writer, body, type);
    }
}
