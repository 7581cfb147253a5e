using CsCheck;
using Lamina.Api;
using Lamina.Server.Disks;
using Lamina.Server.Snapshots;
using Xunit;

namespace Lamina.Tests.Unit.Snapshots;

/// <summary>Random lives of a disk: whatever is written, snapshotted, restored, cloned, deleted and merged, every state that is still named is what it was.</summary>
public class LayerPlanTests
{
    private static readonly Gen<(int What, int Which, int Value)[]> GenLife = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 7], Gen.Int[1, 1000]).Array[1, 60];

    [Fact]
    public void Every_state_that_is_named_is_what_it_was() => GenLife.Sample(life =>
    {
        var disk = new ModelDisk();
        foreach (var (what, which, value) in life)
        {
            switch (what)
            {
                case < 4:
                    disk.Write(which, value);
                    break;
                case < 6:
                    disk.Snapshot();
                    break;
                case 6:
                    disk.Restore(which);
                    break;
                case 7:
                    disk.Clone(which);
                    break;
                default:
                    disk.Delete(which);
                    break;
            }

            disk.Check();
        }
    });

    [Fact]
    public void A_disk_without_snapshots_is_one_file_again() => GenLife.Sample(life =>
    {
        var disk = new ModelDisk();
        foreach (var (what, which, value) in life)
        {
            if (what < 4) disk.Write(which, value);
            else if (what < 8) disk.Snapshot();
            else disk.Restore(which);
        }

        while (disk.Snapshots > 0) disk.Delete(0);
        disk.Check();
        Assert.Single(disk.Layers.All);
        Assert.True(DiskLayers.IsFirstFile(disk.Layers.All[0]) || disk.Layers.All[0].Parent is null);
    });

    [Fact]
    public void Nothing_is_merged_below_a_linked_clone()
    {
        var status = new DiskStatus
        {
            State = ContentState.Ready,
            Layers = [new DiskLayer { Id = "disk" }, new DiskLayer { Id = "a", Parent = "disk" }, new DiskLayer { Id = "b", Parent = "a" }],
            Active = "b",
        };
        Assert.Null(LayerPlan.Next(new DiskLayers(status), Set(), Set("a")));
        Assert.Equal(new LayerStep.Merge("disk", "a"), LayerPlan.Next(new DiskLayers(status), Set("a"), Set()));
        Assert.Equal(new LayerStep.Merge("disk", "a"), LayerPlan.Next(new DiskLayers(status), Set(), Set()));
    }

    private static HashSet<string> Set(params string[] ids) => [.. ids];

    /// <summary>Files as what they say of eight blocks, and the states that somebody remembers.</summary>
    private sealed class ModelDisk
    {
        private readonly Dictionary<string, Dictionary<int, int>> _files = new() { [DiskLayer.First] = [] };
        private readonly List<(string Layer, Dictionary<int, int> Content)> _snapshots = [];
        private readonly List<(string Layer, Dictionary<int, int> Content)> _clones = [];
        private DiskStatus _status = new() { State = ContentState.Ready };
        private Dictionary<int, int> _now = [];
        private int _lastLayer;

        public int Snapshots => _snapshots.Count;

        public DiskLayers Layers => new(_status);

        public void Write(int block, int value)
        {
            _files[DiskLayers.FileOf(Layers[Layers.Active])][block] = value;
            _now[block] = value;
        }

        public void Snapshot()
        {
            _snapshots.Add((Layers.Active, new(_now)));
            Put(Layers.Active);
        }

        public void Restore(int which)
        {
            if (_snapshots.Count == 0) return;
            var (layer, content) = _snapshots[which % _snapshots.Count];
            Put(layer);
            var before = Layers.All;
            _status = LayerPlan.Prune(_status, Named(_snapshots), Named(_clones));
            foreach (var gone in before.Where(known => !Layers.Has(known.Id))) _files.Remove(DiskLayers.FileOf(gone));
            _now = new(content);
        }

        public void Clone(int which)
        {
            if (_snapshots.Count > 0) _clones.Add(_snapshots[which % _snapshots.Count]);
        }

        public void Delete(int which)
        {
            if (_snapshots.Count == 0) return;
            _snapshots.RemoveAt(which % _snapshots.Count);
            while (LayerPlan.Next(Layers, Named(_snapshots), Named(_clones)) is { } step)
            {
                if (step is LayerStep.Merge merge)
                {
                    string upper = DiskLayers.FileOf(Layers[merge.Upper]);
                    foreach (var (block, value) in _files[upper]) _files[DiskLayers.FileOf(Layers[merge.Lower])][block] = value;
                    _files.Remove(upper);
                }
                else _files.Remove(DiskLayers.FileOf(Layers[((LayerStep.Drop)step).Layer]));
                _status = LayerPlan.Apply(_status, step);
            }
        }

        public void Check()
        {
            Assert.Equal(_now.OrderBy(pair => pair.Key), View(Layers.Active));
            foreach (var (layer, content) in _snapshots.Concat(_clones)) Assert.Equal(content.OrderBy(pair => pair.Key), View(layer));
            Assert.Equal(Layers.All.Select(DiskLayers.FileOf).Order(), _files.Keys.Order());
        }

        private IEnumerable<KeyValuePair<int, int>> View(string layer)
        {
            var view = new Dictionary<int, int>();
            foreach (var file in Layers.ChainOf(layer).Reverse())
            {
                foreach (var (block, value) in _files[DiskLayers.FileOf(file)]) view[block] = value;
            }

            return view.OrderBy(pair => pair.Key);
        }

        private void Put(string below)
        {
            string layer = $"l{++_lastLayer}";
            _files[layer] = [];
            _status = LayerPlan.Put(_status, below, layer);
        }

        private static HashSet<string> Named(IEnumerable<(string Layer, Dictionary<int, int> Content)> states) => [.. states.Select(state => state.Layer)];
    }
}
