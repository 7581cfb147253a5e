using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Testing.Server;

/// <summary>Waits for what a daemon tells by its watch, instead of asking again by the clock.</summary>
internal static class Watching
{
    /// <summary>Until the daemon has told which machines QEMU offers: before that no VM can be made.</summary>
    public static Task HostIsReadyAsync(this LaminaClient client, CancellationToken token) =>
        client.UntilAsync("hosts", ApiJson.Default.Host, hosts => hosts.Any(host => host.Status?.DefaultMachineType is not null), token);

    /// <summary>Until all objects of a kind, as they are then, are so.</summary>
    /// <param name="client">Follows the watch.</param>
    /// <param name="kind">As in the paths: <c>pools</c>.</param>
    /// <param name="type">Of the objects.</param>
    /// <param name="holds">Asked with every change, once all are known.</param>
    /// <param name="token">The deadline.</param>
    public static async Task UntilAsync<T>(this LaminaClient client, string kind, JsonTypeInfo<T> type, Func<IEnumerable<T>, bool> holds, CancellationToken token)
    {
        var known = new Dictionary<string, T>(StringComparer.Ordinal);
        bool isSynced = false;
        await foreach (var change in client.Server.WatchAsync([kind], token))
        {
            switch (change.Action)
            {
                case WatchAction.Put:
                    known[change.Id!] = change.Object!.Value.Deserialize(type)!;
                    break;
                case WatchAction.Delete:
                    known.Remove(change.Id!);
                    break;
                case WatchAction.Synced:
                    isSynced = true;
                    break;
                case WatchAction.Resync:
                    known.Clear();
                    isSynced = false;
                    break;
            }

            if (isSynced && holds(known.Values)) return;
        }
    }
}
