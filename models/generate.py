#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes what stands beside the networks of this folder, for tests and for make run.

    models/generate.py pictures                the first test picture of each class
    models/generate.py expect QACCEL ORACLE    what TensorFlow Lite computes

ORACLE MODEL OUTDIR --ref INPUT... runs a model with TFLite's reference kernels and
writes each tensor as OUTDIR/t<i>.bin. For each NAME.tflite, expect/NAME/ gets the
hash of every tensor for some of the pictures (qaccel verify reads it), and in
predictions.txt the class of each test picture of Fashion-MNIST, one a line
(qaccel eval --predictions writes the same). That takes some minutes per network.
"""
import gzip
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(os.environ.get('FASHION_MNIST', '/usr/share/datasets/fashion-mnist'))
LABELS = ('T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt',
          'Sneaker', 'Bag', 'Ankle boot')
SIDE = 28
# Of the pictures, those with expected tensors.
EXPECTED = ('ankle_boot', 'pullover', 'trouser')


def read_idx(name):
    data = gzip.decompress((DATA / f'{name}-ubyte.gz').read_bytes())
    return data[4 + 4 * data[3]:]


def test_pictures():
    data = read_idx('t10k-images-idx3')
    size = SIDE * SIDE
    return [data[i:i + size] for i in range(0, len(data), size)]


def file_name(label):
    return re.sub('[^a-z]+', '_', label.lower())


def first_of_each_class():
    labels = read_idx('t10k-labels-idx1')
    pictures = test_pictures()
    return {file_name(name): pictures[labels.index(i)] for i, name in enumerate(LABELS)}


def png(pixels):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, 'big') + body + zlib.crc32(body).to_bytes(4, 'big')

    head = SIDE.to_bytes(4, 'big') * 2 + bytes([8, 0, 0, 0, 0])
    rows = b''.join(b'\0' + pixels[i:i + SIDE] for i in range(0, len(pixels), SIDE))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) +
            chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))


def make_pictures():
    (HERE / 'labels.txt').write_text(''.join(f'{name}\n' for name in LABELS))
    (HERE / 'pictures').mkdir(exist_ok=True)
    for name, pixels in first_of_each_class().items():
        (HERE / 'pictures' / f'{name}.png').write_bytes(png(pixels))


class Oracle:
    """TensorFlow Lite on one model whose input is a picture of scale 1/255."""

    def __init__(self, qaccel, program, model):
        self.program, self.model = program, model
        self.info = json.loads(subprocess.check_output(
            [qaccel, 'info', model, '--device', 'cpu', '--json']))
        tensor = self.info['inputs'][0]
        assert abs(tensor['scale'] * 255 - 1) < 1e-6, tensor
        self.signed = tensor['type'] == 'INT8'
        assert tensor['zero_point'] == (-128 if self.signed else 0), tensor

    def tensors(self, pixels, wanted):
        """The bytes of these tensors."""
        with tempfile.TemporaryDirectory() as scratch:
            out = pathlib.Path(scratch)
            # p - 128 as a byte is p with its highest bit the other way.
            (out / 'in').write_bytes(bytes(p ^ 128 for p in pixels)
                                     if self.signed else pixels)
            subprocess.run([self.program, self.model, out, '--ref', out / 'in'],
                           check=True, stderr=subprocess.DEVNULL)
            return [(out / f't{i}.bin').read_bytes() for i in wanted]

    def expectation(self, pixels):
        ops = self.info['ops']
        values = self.tensors(pixels, [op['outputs'][0] for op in ops])
        return [{'index': op['index'], 'op': op['op'],
                 'outputs': [{'tensor': op['outputs'][0],
                              'sha256': hashlib.sha256(value).hexdigest()}]}
                for op, value in zip(ops, values)]

    def prediction(self, pixels):
        output = self.info['outputs'][0]
        (values,) = self.tensors(pixels, [output['tensor']])
        if output['type'] == 'INT8':
            values = bytes(v ^ 128 for v in values)
        return values.index(max(values))


def make_expectations(qaccel, program):
    pictures = first_of_each_class()
    for model in sorted(HERE.glob('*.tflite')):
        oracle = Oracle(qaccel, program, model)
        folder = HERE / 'expect' / model.stem
        folder.mkdir(parents=True, exist_ok=True)
        for name in EXPECTED:
            lines = ',\n'.join(json.dumps(op) for op in oracle.expectation(pictures[name]))
            (folder / f'{name}.json').write_text(f'{{"ops": [\n{lines}\n]}}\n')
        with multiprocessing.Pool() as pool:
            classes = pool.map(oracle.prediction, test_pictures(), 100)
        (folder / 'predictions.txt').write_text(''.join(f'{c}\n' for c in classes))
        print(model.name)


if __name__ == '__main__':
    if sys.argv[1:] == ['pictures']:
        make_pictures()
    elif len(sys.argv) == 4 and sys.argv[1] == 'expect':
        make_expectations(*sys.argv[2:])
    else:
        sys.exit(__doc__)
