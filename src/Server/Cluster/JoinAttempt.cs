using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Linux.Files;

namespace Lamina.Server.Cluster;

/// <summary>
/// That this host has asked to be let in: <c>joining.json</c> in the data folder, written before the cluster is asked. Found beside SQLite, the join came to nothing, and the cluster is to be told so.
/// </summary>
internal sealed record JoinAttempt
{
    /// <summary>As people hand it on.</summary>
    public required string Token { get; init; }

    /// <summary>The member that was asked.</summary>
    public required string Member { get; init; }

    public static JoinAttempt? Read(Instance instance)
    {
        string file = FileOf(instance);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), JoinAttemptJson.Default.JoinAttempt) : null;
        }
        catch (JsonException)
        {
            // Nothing can be told to anybody: a person removes the host from the cluster.
            File.Delete(file);
            return null;
        }
    }

    public void Write(Instance instance) =>
        DurableFile.Write(FileOf(instance), JsonSerializer.SerializeToUtf8Bytes(this, JoinAttemptJson.Default.JoinAttempt), UnixFileMode.UserRead | UnixFileMode.UserWrite);

    public static void Forget(Instance instance) => File.Delete(FileOf(instance));

    private static string FileOf(Instance instance) => Path.Combine(instance.DataDirectory, "joining.json");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JoinAttempt))]
internal sealed partial class JoinAttemptJson : JsonSerializerContext;
