using System.Text.Json;

namespace Lamina.Engine.Qemu;

/// <summary>A definition beside the memory that belongs to it.</summary>
public static class VmDefinitionFile
{
    public static byte[] Write(VmDefinition definition) => JsonSerializer.SerializeToUtf8Bytes(definition, EngineJson.Default.VmDefinition);

    /// <exception cref="VmEngineException">It is no definition.</exception>
    public static VmDefinition Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, EngineJson.Default.VmDefinition)
                ?? throw new VmEngineException(VmEngineFailure.FileUnusable, "The definition beside the memory is empty.", "Bring it back from a copy.");
        }
        catch (JsonException broken)
        {
            throw new VmEngineException(VmEngineFailure.FileUnusable, $"The definition beside the memory cannot be read: {broken.Message}", "Bring it back from a copy.", broken);
        }
    }
}
