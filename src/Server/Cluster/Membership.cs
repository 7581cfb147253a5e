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

    /// <summary>The last change of <see cref="Address"/>, while it is tried or when it was taken back; null: there is none to tell of.</summary>
    public AddressTry? AddressTry { get; init; }

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

    /// <summary>Where this host is to listen: its address, and its former one while the change is tried; empty: what it had is gone, and it waits for that or for another one.</summary>
    /// <param name="own">This machine's addresses: etcd and the daemon cannot listen elsewhere.</param>
    public IReadOnlyList<string> ListeningAt(IReadOnlyList<string> own)
    {
        string[] wanted = AddressTry is { Problem: null, Former: var former } ? [Address, former] : [Address];
        return [.. wanted.Where(own.Contains)];
    }

    /// <summary>Whether this machine has the address by which the others reach it.</summary>
    public bool IsThere(IReadOnlyList<string> own) => own.Contains(Address);

    /// <summary>The same host at another address.</summary>
    public Membership At(Instance instance, string address)
    {
        string before = Addresses.EtcdClient(Addresses.Of(instance, Address)), after = Addresses.EtcdClient(Addresses.Of(instance, address));
        return this with { Address = address, Endpoints = [.. Endpoints.Select(endpoint => endpoint == before ? after : endpoint)] };
    }

    public void Write(Instance instance) => DurableFile.Write(
        instance.MembershipFile, JsonSerializer.SerializeToUtf8Bytes(this, MembershipJson.Default.Membership), UnixFileMode.UserRead | UnixFileMode.UserWrite);
}

/// <summary>A change of this host's address: tried until the other members have reached it there, else taken back.</summary>
internal sealed record AddressTry
{
    /// <summary>The address before.</summary>
    public required string Former { get; init; }

    /// <summary>The address that was asked for.</summary>
    public required string Wanted { get; init; }

    /// <summary>Why it was taken back; null: it is being tried.</summary>
    public string? Problem { get; init; }

    /// <summary>The timeline has that.</summary>
    public bool Told { get; init; }

    /// <summary>As people see it.</summary>
    public ClusterAddressChange Shown() => new() { Former = Former, Wanted = Wanted, Problem = Problem };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Membership))]
internal sealed partial class MembershipJson : JsonSerializerContext;
