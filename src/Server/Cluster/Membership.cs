using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>
/// What this host knows of its cluster while no store answers: <c>cluster.json</c> in the data folder. It counts only where <c>store.json</c> names an etcd;
/// beside SQLite it is left of an init or join that did not come to its end.
/// </summary>
internal sealed record Membership
{
    public required string ClusterId { get; init; }
    public required string ClusterName { get; init; }

    /// <summary>By which the other hosts reach this one: an IP address.</summary>
    public required string Address { get; init; }

    /// <summary>Where the store answers, as known last.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }

    /// <summary>What this host's etcd is a member under, hexadecimal; null: it runs none.</summary>
    public string? EtcdMember { get; init; }

    /// <summary>The members when its etcd joined them, as etcd writes them: <c>name=https://…,name=https://…</c>.</summary>
    public string? EtcdInitialCluster { get; init; }

    /// <summary>Its data has been made: a folder that is empty now has lost them, and is never begun anew under the same member.</summary>
    public bool EtcdStarted { get; init; }
    public ExternalEtcd? External { get; init; }

    public bool Witness { get; init; }

    /// <summary>Where the other hosts answered this one, as known last: they are asked whether the store was recovered without it.</summary>
    public IReadOnlyList<string> Peers { get; set; } = [];

    /// <summary>By which the store came to be that this host uses, or is to use from its next start on; null: it was never recovered.</summary>
    public RecoveryRecord? Recovery { get; init; }

    /// <summary>What is to be told in the store, once there is one: that this host has left a former one.</summary>
    public string? Untold { get; init; }

    /// <summary>It was removed from the cluster, and what follows from that is to be done.</summary>
    public bool Departing { get; init; }

    /// <summary>What becomes of the records that the host had before it joined; null: they are all there.</summary>
    public ImportMapping? Import { get; init; }

    /// <exception cref="ProblemException">The file is damaged.</exception>
    public static Membership? Read(Instance instance)
    {
        string file = instance.MembershipFile;
        if (!File.Exists(file)) return null;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), MembershipJson.Default.Membership) ?? throw new JsonException("It is null.");
        }
        catch (JsonException failure)
        {
            throw new ProblemException(
                ProblemKind.Internal, "cluster.membershipInvalid", $"{file} does not say of which cluster this host is a member: {failure.Message}", "Restore that file from a backup.", failure);
        }
    }

    public void Write(Instance instance) => DurableFile.Write(
        instance.MembershipFile, JsonSerializer.SerializeToUtf8Bytes(this, MembershipJson.Default.Membership), UnixFileMode.UserRead | UnixFileMode.UserWrite);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Membership))]
internal sealed partial class MembershipJson : JsonSerializerContext;
