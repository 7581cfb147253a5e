using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Pipes;
using System.Net.Security;
using System.Text;
using Lamina.Linux.Processes;
using Lamina.Server.Cluster;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>
/// What a hand-over cannot do without, measured by itself from one of the hosts: a transaction of the store, and a round trip to the other host. A process of its own, since
/// it is that host's network from which it asks.
/// </summary>
internal sealed class StoreProbe : IAsyncDisposable
{
    private const string Key = "bench/probe";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _process;
    private readonly StreamWriter _questions;
    private readonly StreamReader _answers;

    /// <param name="host">From it is asked.</param>
    /// <param name="other">The other one.</param>
    public StoreProbe(BedHost host, BedHost other)
    {
        var membership = Membership.Read(host.Instance) ?? throw new InvalidOperationException($"{host.Name} is in no cluster");
        var access = StoreChoice.Access(host.Instance, membership);
        var questions = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        var answers = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
        _process = host.Network.Run(() => ChildProcess.Spawn(new ChildSpec
        {
            Program = Environment.ProcessPath!,
            Arguments = ["--what", "probe", "--store", access.Endpoints[0], "--authority", access.CaFile!, "--certificate", access.CertificateFile!, "--peer", $"https://{other.Address}:{other.Instance.PeerPort}/"],
            Environment = ChildSpec.DefaultEnvironment.Append(KeyValuePair.Create("DOTNET_ROOT", Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? "")).ToDictionary(),
            StandardInput = questions.ClientSafePipeHandle,
            StandardOutput = ChildOutput.To(answers.ClientSafePipeHandle),
            StandardError = ChildOutput.Tail(2000),
        }));
        questions.DisposeLocalCopyOfClientHandle();
        answers.DisposeLocalCopyOfClientHandle();
        _questions = new StreamWriter(questions) { AutoFlush = true };
        _answers = new StreamReader(answers);
    }

    /// <summary>Milliseconds of a transaction that compares one record and writes it, as COMMIT does, and of a question to the other host over a connection that is kept.</summary>
    public async Task<(double Transaction, double RoundTrip)> AskAsync()
    {
        string? line = null;
        try
        {
            await _questions.WriteLineAsync();
            line = await _answers.ReadLineAsync().WaitAsync(Patience);
        }
        catch (IOException)
        {
            // It has ended.
        }

        string[] words = line?.Split(' ') ?? throw new InvalidOperationException(
            $"the probe has ended: {await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience)}, {Encoding.UTF8.GetString(_process.StandardError)}");
        return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _questions.DisposeAsync();
        }
        catch (IOException)
        {
            // It has ended by itself, which whoever asked it was told.
        }

        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _answers.Dispose();
        _process.Dispose();
    }

    /// <summary>The process: answers each line until there are no more.</summary>
    [SuppressMessage("Security", "CA5359", Justification = "Only the time of a round trip is taken, to a daemon of the bench's own.")]
    public static async Task ServeAsync(BenchOptions options)
    {
        await using var store = await EtcdStore.OpenAsync(
            new EtcdAccess { Endpoints = [options.Store], CaFile = options.Authority, CertificateFile = options.Certificate, KeyFile = options.Certificate }, TimeProvider.System);
        using var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var peer = new HttpClient(handler) { BaseAddress = new Uri(options.Peer) };
        await TransactionAsync(store);
        await RoundTripAsync(peer);
        while (await Console.In.ReadLineAsync() is not null)
        {
            var (transaction, trip) = (await TransactionAsync(store), await RoundTripAsync(peer));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{transaction} {trip}"));
        }
    }

    private static async Task<double> TransactionAsync(EtcdStore store)
    {
        var before = await store.GetAsync(Key);
        var transaction = new StoreTransaction
        {
            Compares = [before is null ? new StoreCompare.Absent(Key) : new StoreCompare.ModRevision(Key, before.ModRevision)],
            Writes = [new StoreWrite.Put(Key, "{}"u8.ToArray())],
            ElseKeys = [Key],
        };
        long begun = TimeProvider.System.GetTimestamp();
        var result = await store.CommitAsync(transaction);
        double milliseconds = Run.Since(begun);
        return result.Succeeded ? milliseconds : throw new InvalidOperationException("the probe's transaction was refused");
    }

    private static async Task<double> RoundTripAsync(HttpClient peer)
    {
        long begun = TimeProvider.System.GetTimestamp();
        // What anybody may ask there.
        using var answer = await peer.GetAsync("v1/ca");
        answer.EnsureSuccessStatusCode();
        return Run.Since(begun);
    }
}
