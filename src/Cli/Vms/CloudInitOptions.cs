using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary>The options that say what a guest's cloud-init is told, and how they become a request.</summary>
internal sealed class CloudInitOptions
{
    private readonly Option<string[]> sshKey = new("--ssh-key") { Description = "public key, or its file, for the guest's user", HelpName = "file|key" };
    private readonly Option<string?> user = new("--user") { Description = "the guest's user (default: the image's)", HelpName = "name" };
    private readonly Option<string?> passwordFile = new("--password-file") { Description = "file with the password of the guest's user; - reads standard input", HelpName = "file" };
    private readonly Option<string?> hostname = new("--hostname") { Description = "the guest's host name (default: the VM's name)", HelpName = "name" };
    private readonly Option<string?> userData = new("--user-data") { Description = "own cloud-init user-data", HelpName = "file" };
    private readonly Option<string?> networkConfig = new("--network-config") { Description = "own cloud-init network-config, version 2", HelpName = "file" };

    public IReadOnlyList<Option> All => [sshKey, user, passwordFile, hostname, userData, networkConfig];

    /// <summary>Null: none of them was named.</summary>
    public async Task<CloudInitCreate?> ReadAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (!All.Any(invocation.Has)) return null;
        return new CloudInitCreate
        {
            Hostname = invocation.Value(hostname),
            User = invocation.Value(user),
            Password = await PasswordAsync(invocation, cancellationToken),
            SshKeys = await SshKeysAsync(invocation.Value(sshKey) ?? [], cancellationToken),
            UserData = await TextFile.ReadAsync(invocation.Value(userData), cancellationToken),
            NetworkConfig = await TextFile.ReadAsync(invocation.Value(networkConfig), cancellationToken),
        };
    }

    private async Task<string?> PasswordAsync(Invocation invocation, CancellationToken cancellationToken) =>
        invocation.Value(passwordFile) switch
        {
            null => null,
            "-" => Terminal.ReadSecret("Password of the guest's user: "),
            var file => (await TextFile.ReadAsync(file, cancellationToken))?.TrimEnd('\r', '\n'),
        };

    /// <summary>A value with a space is a key itself; anything else names a file, which may hold several.</summary>
    private static async Task<List<string>?> SshKeysAsync(string[] values, CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        foreach (var value in values)
        {
            var text = value.Contains(' ', StringComparison.Ordinal) ? value : await TextFile.ReadAsync(value, cancellationToken) ?? "";
            keys.AddRange(text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#'));
        }

        return keys.Count == 0 ? null : keys;
    }
}
