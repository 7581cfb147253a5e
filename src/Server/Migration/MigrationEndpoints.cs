using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Migration;

/// <summary><c>/v1/vms/{vm}/migrate</c></summary>
internal sealed class MigrationEndpoints(OperationRequests operations, TimeProvider time)
{
    public const long LeastBytesPerSecond = 1 << 20;
    private const int MostTimeoutSeconds = 7 * 24 * 3600;

    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/migrate", Permission.Operate, "Moves a VM to another host, while its guest runs or at rest", MigrateAsync)
            .Takes(ApiJson.Default.VmMigrate).Begins().Idempotent().Problems("vm.notFound", "host.notFound", "pool.notFound");
        api.Post("/v1/vms/{vm}/migrate/forecast", Permission.View, "Says what a migration would do, and everything that stands in its way", ForecastAsync)
            .Takes(ApiJson.Default.VmMigrate).Answers(ApiJson.Default.MigrationForecast).Problems("vm.notFound", "host.notFound", "pool.notFound");
    }

    private async ValueTask<ApiAnswer> MigrateAsync(ApiRequest request)
    {
        var (vm, asked) = await ReadAsync(request);
        var forecast = Migrations.Forecast(request.Snapshot, vm, asked);
        if (forecast.Blockers.Count > 0)
            throw new InputException([.. forecast.Blockers.Select(blocker => new InputProblem { Path = "$.to", Code = blocker.Code, Message = blocker.Remedy is { } remedy ? $"{blocker.Message} {remedy}" : blocker.Message })]);
        var change = new StoreChange(Migrations.Operation);
        var operation = Migrations.Prepare(change, operations, request.Snapshot, vm, asked, request.Caller.Subject, time.GetUtcNow());
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private async ValueTask<ApiAnswer> ForecastAsync(ApiRequest request)
    {
        var (vm, asked) = await ReadAsync(request);
        return ApiAnswer.Ok(Migrations.Forecast(request.Snapshot, vm, asked), ApiJson.Default.MigrationForecast);
    }

    private static async ValueTask<(CachedRecord<VmSpec> Vm, MigrationRequest Asked)> ReadAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmMigrate);
        var snapshot = request.Snapshot;
        var vm = snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        var problems = new InputProblems();
        if (body.MaxBytesPerSecond is < LeastBytesPerSecond) problems.Add("$.maxBytesPerSecond", "value.outOfRange", "Write at least 1 MiB a second.");
        if (body is { Pool: not null, WithStorage: false }) problems.Add("$.pool", "value.useless", "A pool is for disks that go along: say withStorage too.");
        if (body.TimeoutSeconds is < 1 or > MostTimeoutSeconds) problems.Add("$.timeoutSeconds", "value.outOfRange", "Write 1 second to 7 days.");
        if (body is { Offline: true, AllowPostCopy: true }) problems.Add("$.allowPostCopy", "value.useless", "Post-copy is for a guest that runs, and offline asks for one that does not.");
        problems.ThrowIfAny();
        string to = snapshot.FindInstalled(Keys.Hosts.Spec, "host", body.To).Id;
        string? pool = body.Pool is { } named ? snapshot.FindInstalled(Keys.Pools.Spec, "pool", named).Id : null;
        return (vm, new MigrationRequest { To = to, WithStorage = body.WithStorage, Pool = pool, MaxBytesPerSecond = body.MaxBytesPerSecond, Offline = body.Offline, AllowPostCopy = body.AllowPostCopy, TimeoutSeconds = body.TimeoutSeconds });
    }
}
