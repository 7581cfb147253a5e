using System.Net;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;

namespace Lamina.Server.Migration;

/// <summary><c>/v1/migration</c>: what holds for all migrations.</summary>
internal sealed class MigrationSettingsEndpoints(EventLog events)
{
    private const int MostPatienceSeconds = 24 * 3600;

    private static readonly ObjectReference Target = new() { Kind = "migration", Id = "settings" };

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/migration", Permission.View, "Shows over which network migrations go, and how fast at most", Show).Answers(ApiJson.Default.MigrationSettings).InstallationWide();
        api.Patch("/v1/migration", Permission.Administer, "Sets over which network migrations go, and how fast at most", UpdateAsync)
            .Takes(ApiJson.Default.MigrationSettingsUpdate).Answers(ApiJson.Default.MigrationSettings).InstallationWide().Problems("etag.mismatch");
    }

    /// <summary>What the update asks for (pure).</summary>
    /// <exception cref="InputException">All problems, each with its path.</exception>
    internal static MigrationSettings Update(MigrationSettings before, MigrationSettingsUpdate update)
    {
        var problems = new InputProblems();
        if (update.Network is { } network && !IPNetwork.TryParse(network, out _))
            problems.Add("$.network", "value.noNetwork", $"'{Suggestions.Shorten(network)}' is no network: write its first address and its length, such as 10.9.0.0/24.");
        if (update.MaxBytesPerSecond is < MigrationEndpoints.LeastBytesPerSecond) problems.Add("$.maxBytesPerSecond", "value.outOfRange", "Write at least 1 MiB a second.");
        if (update.PostCopyPatienceSeconds is < 1 or > MostPatienceSeconds) problems.Add("$.postCopyPatienceSeconds", "value.outOfRange", "Write 1 second to 24 hours.");
        problems.ThrowIfAny();
        return before with { Network = update.Network, MaxBytesPerSecond = update.MaxBytesPerSecond, PostCopyPatienceSeconds = update.PostCopyPatienceSeconds };
    }

    private static ApiAnswer Show(ApiRequest request) => ApiAnswer.Ok(MigrationRoute.SettingsIn(request.Snapshot), ApiJson.Default.MigrationSettings);

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var current = request.Snapshot.Get(Keys.MigrationSettings, "");
        var before = MigrationRoute.SettingsIn(request.Snapshot);
        var known = new MigrationSettingsUpdate { Network = before.Network, MaxBytesPerSecond = before.MaxBytesPerSecond, PostCopyPatienceSeconds = before.PostCopyPatienceSeconds };
        var settings = Update(before, await request.PatchAsync(known, ApiJson.Default.MigrationSettingsUpdate));
        var change = new StoreChange("migration.update");
        if (current is null) change.Create(Keys.MigrationSettings, "", settings);
        else change.Update(Keys.MigrationSettings, "", settings, current.ModRevision);
        events.Add(change, new EventDraft { Kind = "migration.changed", Message = $"Migrations that begin from now on go {Words(settings)}.", Target = Target });
        return await request.CommitAsync(change, ApiAnswer.Ok(settings, ApiJson.Default.MigrationSettings), Target);
    }

    private static string Words(MigrationSettings settings) =>
        $"{(settings.Network is { } network ? $"over {network}" : "to the hosts' addresses in the cluster")}, {(settings.MaxBytesPerSecond is { } most ? $"with at most {Sizes.Format(most)} a second" : "as fast as the link carries")}";
}
