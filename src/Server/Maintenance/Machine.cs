using Lamina.Api;
using Lamina.Linux.Processes;

namespace Lamina.Server.Maintenance;

/// <summary>The machine that this daemon runs on.</summary>
internal static class Machine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Null: this daemon may not ask the machine for its end. Only that of the default instance with its own folders may, beside a systemd in whose mount
    /// namespace it is: no test, no second daemon and no container gets there.
    /// </summary>
    /// <param name="isDefaultInstance">With the folders of that instance.</param>
    public static AskMachine? Of(bool isDefaultInstance) => isDefaultInstance && IsMachinesOwn() ? AskAsync : null;

    /// <summary>sd_booted(3): the folder is there exactly where systemd is the init.</summary>
    private static bool IsMachinesOwn() => Directory.Exists("/run/systemd/system") && NamespaceOf("self") is { } own && own == NamespaceOf("1");

    private static string? NamespaceOf(string process)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process}/ns/mnt", returnFinalTarget: false)?.Name;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task AskAsync(HostPowerAction action, CancellationToken cancellationToken)
    {
        var spec = new CommandSpec { Program = "systemctl", Arguments = ["--no-block", action == HostPowerAction.Reboot ? "reboot" : "poweroff"], Timeout = Patience };
        (await Command.RunAsync(spec, cancellationToken)).EnsureSuccess();
    }
}
