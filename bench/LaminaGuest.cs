using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Bench;

/// <summary>The guest as Lamina runs it: a disk cloned of an empty image and one card; it halts in its firmware.</summary>
internal sealed class LaminaGuest(LaminaClient client, string name, int memoryMiB)
{
    public const string Image = "bench-base";
    public const int DefaultMemoryMiB = 64;

    private readonly VmCreate _wish = new() { Name = name, Image = Image, MemoryMiB = memoryMiB, Cpus = 1, Restart = RestartPolicy.Never, Start = true };

    /// <summary>From the call that creates and starts it to the end of the operation, in milliseconds.</summary>
    public Task<double> LaunchAsync() => TimeAsync(() => client.Vms.CreateAsync(_wish, CancellationToken.None));

    /// <summary>The same for the start of one that exists and is stopped.</summary>
    public Task<double> StartAsync() => TimeAsync(() => client.Vms.StartAsync(name, CancellationToken.None));

    public Task StopAsync() => TimeAsync(() => client.Vms.StopAsync(name, new VmStopRequest { Force = true }, CancellationToken.None));

    public Task DeleteAsync() => TimeAsync(() => client.Vms.DeleteAsync(name, false, CancellationToken.None));

    public async Task<Vm> ShowAsync() => (await client.Vms.GetAsync(name, CancellationToken.None)).Value;

    public Task<string> QemuArgumentsAsync() => client.Vms.GetQemuArgumentsAsync(name, CancellationToken.None);

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
