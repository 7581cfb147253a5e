using System.Buffers.Binary;
using System.Text;
using Lamina.Api;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lamina.Server.Isos;

/// <summary>What may be asked of cloud-init (pure). Every problem is reported with its path.</summary>
internal static class CloudInitRules
{
    /// <summary>A sealed record has 64 KiB at most, and sealing grows it.</summary>
    public const int MaxDocumentBytes = 32 * 1024;
    public const int MaxSshKeys = 64;

    /// <summary>First lines by which cloud-init knows a user-data document. Source: its documentation, "User-data formats".</summary>
    private static readonly string[] KnownHeaders =
        ["#cloud-config", "#!", "#include", "#cloud-boothook", "#cloud-config-archive", "#cloud-config-jsonp", "#part-handler", "## template: jinja"];

    private static readonly string[] KeyTypes =
    [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ];

    /// <summary>Every problem of the request.</summary>
    /// <param name="request">As asked for.</param>
    /// <param name="path">Its JSON path, for example <c>$.cloudInit</c>.</param>
    public static IEnumerable<InputProblem> Check(CloudInitCreate request, string path) =>
    [
        .. CheckConveniences(request, path),
        .. request.UserData is { } userData ? CheckUserData(userData, path + ".userData") : [],
        .. request.NetworkConfig is { } config ? CheckNetworkConfig(config, path + ".networkConfig") : [],
    ];

    private static IEnumerable<InputProblem> CheckConveniences(CloudInitCreate request, string path)
    {
        if (request.UserData is not null && (request.User ?? request.Password) is not null || request is { UserData: not null, SshKeys.Count: > 0 })
        {
            yield return Problem(path + ".userData", "cloudInit.exclusive", "Own user-data takes the place of user, password and sshKeys: write them into it, or leave it out.");
        }

        if (request.Hostname is { } hostname && !IsHostname(hostname))
        {
            yield return Problem(path + ".hostname", "cloudInit.hostname", $"“{hostname}” is no host name: letters, digits and hyphens in labels of at most 63 characters, joined by dots.");
        }

        if (request.User is { } user && !IsUserName(user))
        {
            yield return Problem(path + ".user", "cloudInit.user", $"“{user}” is no user name: it begins with a small letter or _, then come small letters, digits, - and _, at most 32 characters.");
        }

        if (request.Password is { } password && (password.Length is 0 or > 512 || password.Any(char.IsControl)))
        {
            yield return Problem(path + ".password", "cloudInit.password", "A password has 1 to 512 characters and no control characters.");
        }

        foreach (var problem in CheckKeys(request.SshKeys ?? [], path + ".sshKeys"))
        {
            yield return problem;
        }
    }

    private static IEnumerable<InputProblem> CheckKeys(IReadOnlyList<string> keys, string path)
    {
        if (keys.Count > MaxSshKeys)
        {
            yield return Problem(path, "cloudInit.sshKeyCount", $"{keys.Count} SSH keys are given, and {MaxSshKeys} is the most.");
        }

        for (var index = 0; index < keys.Count; index++)
        {
            if (!IsSshKey(keys[index]))
            {
                yield return Problem($"{path}[{index}]", "cloudInit.sshKey", "This is no public SSH key: give one line as it stands in id_ed25519.pub, for example “ssh-ed25519 AAAA… name”.");
            }
        }
    }

    private static IEnumerable<InputProblem> CheckUserData(string document, string path)
    {
        if (TooLong(document, path) is { } tooLong)
        {
            yield return tooLong;
            yield break;
        }

        var firstLine = document.Split('\n', 2)[0].TrimEnd('\r');
        if (IsMime(firstLine))
        {
            yield break;
        }

        if (!KnownHeaders.Any(header => firstLine.StartsWith(header, StringComparison.Ordinal)))
        {
            yield return Problem(path, "cloudInit.userDataKind", "cloud-init would ignore this: the first line is #cloud-config, #! and an interpreter, or a MIME header (Content-Type: or MIME-Version:).");
        }
        else if (firstLine.TrimEnd() == "#cloud-config" && YamlProblem(document, path, mayBeEmpty: true, out _) is { } problem)
        {
            yield return problem;
        }
    }

    private static IEnumerable<InputProblem> CheckNetworkConfig(string document, string path)
    {
        if ((TooLong(document, path) ?? YamlProblem(document, path, mayBeEmpty: false, out _)) is { } problem)
        {
            yield return problem;
            yield break;
        }

        YamlProblem(document, path, mayBeEmpty: false, out var root);
        var config = root is not null && Child(root, "network") is YamlMappingNode nested ? nested : root;
        if (config is null || Child(config, "version") is not YamlScalarNode { Value: "2" })
        {
            yield return Problem(path, "cloudInit.networkVersion", "A network-config begins with “version: 2” and names its cards below “ethernets”.");
        }
    }

    private static InputProblem? TooLong(string document, string path)
    {
        var bytes = Encoding.UTF8.GetByteCount(document);
        return bytes <= MaxDocumentBytes
            ? null
            : Problem(path, "cloudInit.tooLong", $"The document has {bytes} bytes, and {MaxDocumentBytes} is the most: let it fetch the rest, for example with #include or a script.");
    }

    private static InputProblem? YamlProblem(string document, string path, bool mayBeEmpty, out YamlMappingNode? root)
    {
        root = null;
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(document));
            root = stream.Documents is [{ RootNode: YamlMappingNode mapping }] ? mapping : null;
            var empty = stream.Documents is [] or [{ RootNode: YamlScalarNode { Value: null or "" } }];
            return root is not null || (empty && mayBeEmpty)
                ? null
                : Problem(path, "cloudInit.yamlShape", "The document is YAML, but its top is no mapping of names to values (or it holds several documents).");
        }
        catch (YamlException exception)
        {
            return Problem(path, "cloudInit.yaml", $"The document is no YAML: line {exception.Start.Line}, column {exception.Start.Column}: {exception.Message}");
        }
    }

    private static YamlNode? Child(YamlMappingNode mapping, string name) =>
        mapping.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child : null;

    private static bool IsMime(string firstLine) =>
        firstLine.StartsWith("Content-Type:", StringComparison.OrdinalIgnoreCase) || firstLine.StartsWith("MIME-Version:", StringComparison.OrdinalIgnoreCase);

    private static bool IsHostname(string name) =>
        name.Length is > 0 and <= 253 && name.Split('.').All(static label =>
            label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'));

    private static bool IsUserName(string name) =>
        name.Length is > 0 and <= 32 && (char.IsAsciiLetterLower(name[0]) || name[0] == '_')
            && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');

    // RFC 4253 6.6: the blob repeats the type, and every part bears its length; so a cut or mistyped key is seen here and not by a locked-out user.
    private static bool IsSshKey(string key)
    {
        var parts = key.Split(' ', 3);
        if (key.Length > 16 * 1024 || key.Any(char.IsControl) || parts.Length < 2 || !KeyTypes.Contains(parts[0])) return false;
        var blob = new byte[parts[1].Length];
        if (!Convert.TryFromBase64String(parts[1], blob, out var length)) return false;
        var rest = blob.AsSpan(0, length);
        return TakePart(ref rest, out var type) && type.SequenceEqual(Encoding.ASCII.GetBytes(parts[0])) && !rest.IsEmpty && IsWholeParts(rest);
    }

    private static bool IsWholeParts(Span<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            if (!TakePart(ref rest, out _)) return false;
        }

        return true;
    }

    private static bool TakePart(ref Span<byte> rest, out Span<byte> part)
    {
        part = default;
        if (rest.Length < 4) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - 4) return false;
        part = rest.Slice(4, (int)length);
        rest = rest[(4 + (int)length)..];
        return true;
    }

    private static InputProblem Problem(string path, string code, string message) => new() { Path = path, Code = code, Message = message };
}
