using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Hosts;

namespace Lamina.Server;

/// <summary>
/// <c>laminad shutdown-guests</c>, the ExecStop of <c>lamina-guests.service</c>: asks the daemon that runs to let this host's guests power off, and waits.
/// </summary>
internal static class ShutdownGuestsCommand
{
    public static async Task<int> RunAsync(CommandLine command, TimeProvider time, TextWriter output, TextWriter errors)
    {
        var instance = InstanceClaim.Derive(command.Instance);
        using var client = new LaminaClient(new LaminaClientOptions { SocketPath = instance.LocalSocket, Time = time, UserAgent = "laminad" });
        try
        {
            string host = HostIdentity.Open(instance.DataDirectory).Id;
            var request = new GuestsShutdownRequest { TimeoutSeconds = command.TimeoutSeconds, ForceAfter = command.Force };
            var begun = await client.Hosts.ShutdownGuestsAsync(host, request, CancellationToken.None);
            string last = "";
            var ended = await client.Operations.WaitAsync(begun.Id, operation => last = Say(operation, last, output), CancellationToken.None);
            if (ended.State?.Phase == OperationPhase.Succeeded) return 0;
            await errors.WriteLineAsync($"laminad: {ended.State?.Failure?.Message ?? "The guests were not shut down."}");
            return 1;
        }
        catch (LaminaUnreachableException)
        {
            // systemd ends the guests' scopes after this; without the daemon nobody can ask them first.
            await errors.WriteLineAsync($"laminad: No daemon answers at {instance.LocalSocket}: the guests cannot be asked to power off.");
            return 1;
        }
        catch (LaminaException refused)
        {
            await errors.WriteLineAsync($"laminad: {refused.Message}");
            return 1;
        }
    }

    private static string Say(Operation operation, string last, TextWriter output)
    {
        string message = operation.State?.Message ?? last;
        if (message != last) output.WriteLine(message);
        return message;
    }
}
