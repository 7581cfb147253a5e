using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Bench;

/// <summary>The guest as Lamina runs it: a disk cloned of an empty image and one card; it halts in its firmware.</summary>
internal sealed class LaminaGuest(LaminaClient client)
{
    public const string Image = "bench-base";
    public const int MemoryMiB = 64;

    private const string Name = "bench";
    private static readonly VmCreate Wish = new() { Name = Name, Image = Image, MemoryMiB = MemoryMiB, Cpus = 1, Restart = RestartPolicy.Never, Start = true };

    /// <summary>From the call that creates and starts it to the end of the operation, in milliseconds.</summary>
    public Task<double> LaunchAsync() => TimeAsync(() => client.Vms.CreateAsync(Wish, CancellationToken.None));

    /// <summary>The same for the start of one that exists and is stopped.</summary>
    public Task<double> StartAsync() => TimeAsync(() => client.Vms.StartAsync(Name, CancellationToken.None));

    public Task StopAsync() => TimeAsync(() => client.Vms.StopAsync(Name, new VmStopRequest { Force = true }, CancellationToken.None));

    public Task DeleteAsync() => TimeAsync(() => client.Vms.DeleteAsync(Name, false, CancellationToken.None));

    public async Task<Vm> ShowAsync() => (await client.Vms.GetAsync(Name, CancellationToken.None)).Value;

    public Task<string> QemuArgumentsAsync() => client.Vms.GetQemuArgumentsAsync(Name, CancellationToken.None);

    private async Task<double> TimeAsync(Func<Task<Operation>> call)
    {
        long begun = TimeProvider.System.GetTimestamp();
        var operation = await call();
        operation = await client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        double milliseconds = Run.Since(begun);
        return operation.State is { Phase: OperationPhase.Succeeded } ? milliseconds : throw new InvalidOperationException(
            $"{operation.Request.Kind} has ended as {operation.State?.Phase}: {operation.State?.Failure?.Message}");
    }
}
