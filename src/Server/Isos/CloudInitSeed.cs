using Lamina.Api;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lamina.Server.Isos;

/// <summary>
/// Renders the files of a cloud-init seed (pure). Two moments: when the VM is created, <see cref="UserData"/> turns what was asked into the
/// document that is sealed into <c>secrets/&lt;id&gt;</c> (so that no plain password is kept); before a start, <see cref="Documents"/> puts
/// the unsealed secret and the VM's present NICs together. Source: cloud-init's documentation (NoCloud, Cloud config, Network config v2).
/// </summary>
internal static class CloudInitSeed
{
    /// <summary>The volume label by which cloud-init finds the seed.</summary>
    public const string Label = "cidata";

    private static readonly string[] OwnKeys = ["hostname", "preserve_hostname", "users", "ssh_pwauth"];
    private static readonly string[] OwnUserKeys = ["name", "shell", "lock_passwd", "sudo", "passwd", "hashed_passwd", "ssh_authorized_keys"];

    /// <summary>The account that gets the password and keys when none is named; Debian's images know it.</summary>
    public const string DefaultUser = "debian";

    /// <summary>The user-data of a request: its own document as it is, or a cloud-config of hostname, user, password hash and keys.</summary>
    /// <param name="request">Checked by <see cref="CloudInitRules"/>; null: only the hostname.</param>
    /// <param name="hostname">The guest's name.</param>
    /// <param name="passwordHash">The crypt(3) hash of the request's password; null: none, the password is locked.</param>
    public static string UserData(CloudInitCreate? request, string hostname, string? passwordHash)
    {
        if (request?.UserData is { } own)
        {
            return own;
        }

        var document = new YamlMappingNode { { "hostname", Text(hostname) }, { "preserve_hostname", "false" } };
        var user = User(request, passwordHash);
        if (user is not null)
        {
            document.Add("users", new YamlSequenceNode(user));
            document.Add("ssh_pwauth", passwordHash is null ? "false" : "true");
        }

        return "#cloud-config\n" + Write(document);
    }

    /// <summary>The conveniences of which <see cref="UserData"/> made a document; null: it is a person's own.</summary>
    public static CloudInitConveniences? Read(string userData)
    {
        if (Root(userData) is not { } root || Keys(root).Except(OwnKeys).Any()) return null;
        if (!root.Children.TryGetValue(new YamlScalarNode("users"), out var users)) return new CloudInitConveniences(null, null, null);
        if (users is not YamlSequenceNode { Children: [YamlMappingNode user] } || Keys(user).Except(OwnUserKeys).Any()) return null;
        var keys = user.Children.TryGetValue(new YamlScalarNode("ssh_authorized_keys"), out var found) ? found as YamlSequenceNode : null;
        return new CloudInitConveniences(Value(user, "name"), Value(user, "hashed_passwd"), keys?.Children.OfType<YamlScalarNode>().Select(key => key.Value!).ToList());
    }

    /// <summary>All files of the seed.</summary>
    public static CloudInitDocuments Documents(VmCloudInit spec, CloudInitSecret secret, IReadOnlyList<CloudInitNic> nics) => new(
        secret.UserData,
        Write(new YamlMappingNode { { "instance-id", Text(spec.InstanceId) }, { "local-hostname", Text(spec.Hostname) } }),
        secret.NetworkConfig ?? NetworkConfig(nics),
        "#cloud-config\n{}\n");

    /// <summary>Network config version 2: each card found by its MAC, with DHCP or its static address.</summary>
    public static string NetworkConfig(IReadOnlyList<CloudInitNic> nics)
    {
        var ethernets = new YamlMappingNode();
        for (var index = 0; index < nics.Count; index++)
        {
            ethernets.Add($"nic{index}", Ethernet(nics[index]));
        }

        return Write(new YamlMappingNode { { "version", "2" }, { "ethernets", ethernets } });
    }

    private static YamlMappingNode Ethernet(CloudInitNic nic)
    {
        var ethernet = new YamlMappingNode { { "match", new YamlMappingNode { { "macaddress", Text(nic.Mac) } } } };
        if (nic.Address is null)
        {
            // By MAC, as our own DHCP server knows the guest: the default (a DUID) differs after each new machine-id.
            ethernet.Add("dhcp4", "true");
            ethernet.Add("dhcp-identifier", Text("mac"));
            if (nic.AsksIpv6) ethernet.Add("dhcp6", "true");
            return ethernet;
        }

        ethernet.Add("dhcp4", "false");
        ethernet.Add("addresses", nic.Ipv6Address is null ? new YamlSequenceNode(Text(nic.Address)) : new YamlSequenceNode(Text(nic.Address), Text(nic.Ipv6Address)));
        if (nic.Gateway is not null)
        {
            ethernet.Add("gateway4", Text(nic.Gateway));
        }

        if (nic.NameServers is { Count: > 0 } servers)
        {
            ethernet.Add("nameservers", new YamlMappingNode { { "addresses", new YamlSequenceNode(servers.Select(Text)) } });
        }

        return ethernet;
    }

    private static YamlMappingNode? User(CloudInitCreate? request, string? passwordHash)
    {
        if (request is null || (request.User is null && passwordHash is null && request.SshKeys is not { Count: > 0 }))
        {
            return null;
        }

        var user = new YamlMappingNode
        {
            { "name", Text(request.User ?? DefaultUser) },
            { "shell", Text("/bin/bash") },
            { "lock_passwd", passwordHash is null ? "true" : "false" },
        };
        if (request.User != "root")
        {
            user.Add("sudo", Text("ALL=(ALL) NOPASSWD:ALL"));
        }

        if (passwordHash is not null)
        {
            // For a new account and for one that the image already has.
            user.Add("passwd", Text(passwordHash));
            user.Add("hashed_passwd", Text(passwordHash));
        }

        if (request.SshKeys is { Count: > 0 } keys)
        {
            user.Add("ssh_authorized_keys", new YamlSequenceNode(keys.Select(Text)));
        }

        return user;
    }

    private static YamlMappingNode? Root(string userData)
    {
        if (!userData.StartsWith("#cloud-config\n", StringComparison.Ordinal)) return null;
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(userData));
            return stream.Documents is [{ RootNode: YamlMappingNode root }] ? root : null;
        }
        catch (YamlException)
        {
            return null; // not one of ours
        }
    }

    private static IEnumerable<string?> Keys(YamlMappingNode mapping) => mapping.Children.Keys.Select(key => (key as YamlScalarNode)?.Value);

    private static string? Value(YamlMappingNode mapping, string key) =>
        mapping.Children.TryGetValue(new YamlScalarNode(key), out var value) ? (value as YamlScalarNode)?.Value : null;

    // Quoted always: a host named "no" or a user named "123" is a text.
    private static YamlScalarNode Text(string value) => new(value) { Style = ScalarStyle.DoubleQuoted };

    private static string Write(YamlNode root)
    {
        var writer = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(root)).Save(writer, assignAnchors: false);
        var text = writer.ToString();
        return text.EndsWith("...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }
}
