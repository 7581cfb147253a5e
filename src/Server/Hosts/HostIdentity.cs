using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Server.Hosts;

/// <summary>Who this host is: kept in the data folder, so that it outlives reinstallations of the program and changes of the host's name.</summary>
internal sealed record HostIdentity
{
    public const string FileName = "host.json";

    /// <summary>UUID, made at the first start.</summary>
    public required string Id { get; init; }

    /// <summary>Random, made with the id.</summary>
    public required string Nonce { get; init; }

    /// <summary>Of this boot of the machine (random(4)).</summary>
    [JsonIgnore]
    public string BootId { get; init; } = HostClock.ReadBootId();

    /// <summary>Boot id and nonce (decision 4): differs for two live hosts that bear one id, and after each boot.</summary>
    [JsonIgnore]
    public string Incarnation => $"{BootId}:{Nonce}";

    /// <exception cref="ProblemException">The file is damaged. It is never replaced: VMs are assigned to this id.</exception>
    public static HostIdentity Open(string dataFolder)
    {
        string file = Path.Combine(dataFolder, FileName);
        if (!File.Exists(file)) return Create(file);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), HostIdentityJson.Default.HostIdentity) ?? throw new JsonException("It is null.");
        }
        catch (JsonException failure)
        {
            throw new ProblemException(
                ProblemKind.Internal, "host.identityInvalid", $"{file} does not say which host this is: {failure.Message}",
                "Restore that file from a backup, or write the id that 'hosts' in the store has: {\"id\": \"…\", \"nonce\": \"…\"}.", failure);
        }
    }

    private static HostIdentity Create(string file)
    {
        var made = new HostIdentity { Id = Guid.NewGuid().ToString(), Nonce = Guid.NewGuid().ToString("N") };
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        DurableFile.Write(
            file, JsonSerializer.SerializeToUtf8Bytes(made, HostIdentityJson.Default.HostIdentity), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return made;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HostIdentity))]
internal sealed partial class HostIdentityJson : JsonSerializerContext;
