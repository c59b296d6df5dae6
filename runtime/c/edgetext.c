/* See edgetext.h for how to use this. The rules are in ../guides: porting.md and block-format.md. */
#include "edgetext.h"

#include <string.h>

/* begin characters */
/* What the rule set words-1 makes of each code point, from Unicode 16.0.0: made by
 * `python -m train.encoding.make_characters`, see runtime/edgetext/characters.py. */
/* clang-format off */
enum { LETTER, SEPARATOR, NOTHING, WORD, EXCLAMATION, QUESTION, TO_ODD, TO_EVEN, SHIFT };
static const uint16_t STARTS[] = { /* the lower 16 bits of the first code point of each run */
    0, 33, 34, 39, 40, 48, 58, 63, 64, 65, 91, 97, 123, 161, 162, 170, 171, 173, 174, 178, 180, 181, 182, 185, 187,
    188, 191, 192, 215, 216, 223, 247, 248, 256, 304, 305, 306, 312, 313, 329, 330, 376, 377, 383, 385, 386, 390,
    391, 393, 395, 397, 398, 399, 400, 401, 403, 404, 405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 422, 423,
    425, 426, 428, 430, 431, 433, 435, 439, 440, 442, 444, 446, 452, 453, 455, 456, 458, 459, 477, 478, 496, 497,
    498, 502, 503, 504, 544, 545, 546, 564, 570, 571, 573, 574, 575, 577, 579, 580, 581, 582, 592, 699, 700, 701,
    706, 710, 722, 736, 741, 748, 749, 750, 751, 768, 880, 884, 885, 886, 888, 894, 895, 896, 900, 902, 903, 904,
    907, 908, 909, 910, 912, 913, 930, 931, 940, 962, 964, 975, 976, 984, 1008, 1012, 1013, 1014, 1015, 1017, 1018,
    1020, 1021, 1024, 1040, 1072, 1120, 1154, 1155, 1162, 1216, 1217, 1231, 1232, 1328, 1329, 1367, 1370, 1371,
    1372, 1373, 1374, 1375, 1376, 1417, 1419, 1421, 1424, 1470, 1471, 1472, 1473, 1475, 1476, 1478, 1479, 1523,
    1524, 1525, 1536, 1542, 1552, 1563, 1564, 1565, 1567, 1568, 1642, 1646, 1748, 1749, 1757, 1758, 1759, 1769,
    1770, 1789, 1791, 1792, 1806, 1807, 1808, 2038, 2041, 2042, 2046, 2048, 2096, 2111, 2142, 2143, 2184, 2185,
    2192, 2194, 2274, 2275, 2404, 2406, 2416, 2417, 2546, 2548, 2554, 2556, 2557, 2558, 2678, 2679, 2800, 2802,
    2928, 2929, 3059, 3067, 3191, 3192, 3199, 3200, 3204, 3205, 3407, 3408, 3449, 3450, 3572, 3573, 3585, 3643,
    3647, 3648, 3663, 3664, 3674, 3676, 3713, 3715, 3716, 3717, 3718, 3723, 3724, 3748, 3749, 3750, 3751, 3774,
    3776, 3781, 3782, 3783, 3784, 3791, 3792, 3802, 3804, 3808, 3841, 3864, 3866, 3872, 3892, 3893, 3894, 3895,
    3896, 3897, 3898, 3902, 3973, 3974, 4030, 4038, 4039, 4045, 4046, 4059, 4096, 4170, 4176, 4254, 4256, 4294,
    4295, 4296, 4301, 4302, 4347, 4348, 4960, 4967, 4968, 4969, 5008, 5018, 5024, 5104, 5110, 5120, 5121, 5741,
    5743, 5760, 5761, 5787, 5789, 5867, 5870, 5941, 5943, 6016, 6100, 6103, 6104, 6108, 6110, 6112, 6122, 6128,
    6138, 6144, 6155, 6160, 6464, 6465, 6468, 6469, 6470, 6622, 6656, 6686, 6688, 6816, 6823, 6824, 6830, 6990,
    6992, 7002, 7019, 7028, 7040, 7164, 7168, 7227, 7232, 7294, 7296, 7305, 7307, 7312, 7355, 7357, 7360, 7368,
    7379, 7380, 7680, 7830, 7838, 7839, 7840, 7936, 7944, 7952, 7960, 7966, 7976, 7984, 7992, 8000, 8008, 8014,
    8025, 8026, 8027, 8028, 8029, 8030, 8031, 8032, 8040, 8048, 8072, 8080, 8088, 8096, 8104, 8112, 8120, 8122,
    8124, 8125, 8126, 8127, 8130, 8136, 8140, 8141, 8144, 8152, 8154, 8156, 8157, 8160, 8168, 8170, 8172, 8173,
    8176, 8184, 8186, 8188, 8189, 8191, 8192, 8204, 8208, 8216, 8217, 8218, 8219, 8220, 8234, 8239, 8252, 8253,
    8254, 8263, 8264, 8265, 8266, 8288, 8293, 8294, 8304, 8314, 8319, 8330, 8335, 8352, 8385, 8448, 8450, 8451,
    8455, 8456, 8458, 8468, 8469, 8470, 8473, 8478, 8484, 8485, 8486, 8487, 8488, 8489, 8490, 8491, 8492, 8494,
    8495, 8498, 8499, 8505, 8506, 8508, 8512, 8517, 8522, 8526, 8527, 8528, 8544, 8560, 8579, 8581, 8586, 8588,
    8592, 8596, 8602, 8617, 8619, 8986, 8988, 9000, 9001, 9096, 9097, 9167, 9168, 9193, 9204, 9208, 9211, 9258,
    9280, 9291, 9372, 9410, 9411, 9450, 9472, 9642, 9644, 9654, 9655, 9664, 9665, 9723, 9727, 9728, 9734, 9735,
    9747, 9748, 9862, 9872, 9990, 9992, 10003, 10004, 10005, 10006, 10007, 10013, 10014, 10017, 10018, 10024, 10025,
    10035, 10037, 10052, 10053, 10055, 10056, 10060, 10061, 10062, 10063, 10067, 10070, 10071, 10072, 10083, 10088,
    10102, 10132, 10133, 10136, 10145, 10146, 10160, 10161, 10175, 10176, 10548, 10550, 11013, 11016, 11035, 11037,
    11088, 11089, 11093, 11094, 11124, 11126, 11158, 11159, 11264, 11312, 11360, 11362, 11363, 11364, 11365, 11367,
    11373, 11374, 11375, 11376, 11377, 11378, 11380, 11381, 11383, 11390, 11392, 11492, 11493, 11499, 11503, 11506,
    11508, 11513, 11514, 11516, 11517, 11518, 11520, 11632, 11633, 11776, 11800, 11801, 11822, 11823, 11824, 11859,
    11860, 11861, 11870, 11904, 11930, 11931, 12020, 12032, 12246, 12272, 12293, 12296, 12321, 12330, 12336, 12342,
    12344, 12350, 12352, 12353, 12439, 12441, 12443, 12445, 12448, 12449, 12539, 12540, 12544, 12688, 12690, 12694,
    12704, 12736, 12774, 12783, 12784, 12800, 12831, 12832, 12842, 12872, 12880, 12881, 12896, 12928, 12938, 12951,
    12952, 12953, 12954, 12977, 12992, 13312, 19904, 19968, 40960, 42128, 42183, 42238, 42240, 42509, 42511, 42512,
    42560, 42606, 42611, 42612, 42622, 42623, 42624, 42652, 42738, 42743, 42744, 42752, 42775, 42784, 42786, 42800,
    42802, 42864, 42873, 42877, 42878, 42888, 42889, 42891, 42893, 42894, 42896, 42900, 42902, 42922, 42923, 42924,
    42925, 42926, 42927, 42928, 42929, 42930, 42931, 42932, 42948, 42949, 42950, 42951, 42955, 42956, 42958, 42960,
    42962, 42966, 42972, 42973, 42997, 42999, 43048, 43052, 43062, 43066, 43124, 43128, 43214, 43216, 43256, 43259,
    43260, 43261, 43310, 43312, 43359, 43360, 43457, 43470, 43486, 43488, 43519, 43612, 43616, 43639, 43642, 43648,
    43742, 43744, 43760, 43762, 43867, 43868, 43882, 43884, 44011, 44012, 55296, 57344, 63744, 64110, 64112, 64218,
    64297, 64298, 64434, 64451, 64830, 64848, 64975, 64976, 65020, 65024, 65040, 65045, 65046, 65047, 65050, 65072,
    65107, 65108, 65110, 65111, 65112, 65127, 65128, 65132, 65279, 65280, 65281, 65282, 65287, 65288, 65296, 65306,
    65311, 65312, 65313, 65339, 65345, 65371, 65382, 65440, 65504, 65511, 65512, 65519, 65529, 65532, 65534, 256,
    259, 311, 320, 377, 394, 396, 399, 400, 413, 416, 417, 464, 509, 927, 928, 976, 977, 1024, 1064, 1200, 1236,
    1391, 1392, 1403, 1404, 1419, 1420, 1427, 1428, 1430, 2135, 2136, 2167, 2169, 2335, 2336, 2367, 2368, 2640,
    2649, 2687, 2688, 2760, 2761, 2800, 2807, 2873, 2880, 2969, 2973, 3200, 3251, 3408, 3430, 3438, 3439, 3470,
    3472, 3757, 3758, 3925, 3930, 3974, 3978, 4167, 4174, 4283, 4285, 4286, 4290, 4301, 4302, 4416, 4419, 4420,
    4468, 4470, 4549, 4553, 4557, 4558, 4571, 4572, 4573, 4576, 4664, 4670, 4777, 4778, 5076, 5078, 5079, 5081,
    5195, 5200, 5210, 5212, 5213, 5214, 5318, 5319, 5569, 5592, 5697, 5700, 5728, 5741, 5817, 5818, 5840, 5860,
    5948, 5952, 6203, 6204, 6304, 6336, 6468, 6471, 6626, 6627, 6719, 6727, 6810, 6813, 6814, 6819, 6912, 6922,
    7137, 7138, 7233, 7238, 7280, 7282, 7927, 7929, 8003, 8016, 8149, 8178, 8191, 8192, 9328, 9333, 12273, 12275,
    13360, 13376, 27246, 27248, 27381, 27382, 27447, 27456, 27460, 27462, 28013, 28016, 28224, 28256, 28311, 28315,
    28642, 28643, 28644, 28656, 28658, 45040, 45044, 45045, 45052, 45053, 45055, 45056, 45347, 45362, 45363, 45392,
    45395, 45397, 45398, 45412, 45416, 48284, 48285, 48287, 48288, 48292, 52224, 52464, 52480, 52916, 53072, 53188,
    53248, 53494, 53504, 53543, 53545, 53605, 53610, 53613, 53619, 53627, 53635, 53637, 53644, 53674, 53678, 53739,
    53760, 53826, 53829, 53830, 54016, 54103, 54112, 54130, 54977, 54978, 55003, 55004, 55035, 55036, 55061, 55062,
    55093, 55094, 55119, 55120, 55151, 55152, 55177, 55178, 55209, 55210, 55235, 55236, 55296, 55808, 55863, 55867,
    55917, 55925, 55926, 55940, 55941, 55948, 57679, 57680, 58111, 58112, 58879, 58880, 59648, 59682, 59742, 59743,
    59744, 60588, 60589, 60592, 60593, 60718, 60719, 61168, 61170, 61440, 61484, 61488, 61588, 61600, 61615, 61617,
    61632, 61633, 61648, 61649, 61686, 61709, 61712, 61743, 61744, 61804, 61810, 61822, 61824, 61838, 61839, 61841,
    61851, 61869, 61870, 61926, 61952, 61953, 61955, 61968, 61978, 61979, 61999, 62000, 62002, 62011, 62012, 62016,
    62025, 62032, 62034, 62048, 62054, 62208, 62459, 62464, 62782, 62790, 63056, 63104, 63192, 63196, 63213, 63216,
    63229, 63232, 63348, 63351, 63355, 63360, 63445, 63450, 63456, 63468, 63472, 63473, 63488, 63500, 63504, 63560,
    63568, 63578, 63584, 63624, 63632, 63662, 63664, 63676, 63680, 63682, 63744, 63756, 63803, 63804, 63814, 63815,
    64084, 64096, 64110, 64112, 64125, 64128, 64138, 64143, 64199, 64206, 64221, 64223, 64234, 64240, 64249, 64256,
    64403, 64404, 64496, 0, 42720, 42752, 46906, 46912, 47134, 47136, 52898, 52912, 60385, 60400, 61022, 63488,
    64030, 0, 4939, 4944, 9136, 1, 2, 32, 128, 256, 496,
};
static const uint16_t PLANES[] = { /* the first run of each plane of 65,536 code points */
    0, 856, 1231, 1245, 1249, 1249, 1249, 1249, 1249, 1249, 1249, 1249, 1249, 1249, 1249, 1255, 1255, 1255,
};
static const uint8_t ACTIONS[] = { /* what becomes of the code points of each run */
    1, 4, 1, 0, 1, 0, 1, 5, 1, 68, 1, 0, 1, 4, 1, 0, 1, 2, 1, 0, 47, 0, 1, 0, 1, 0, 5, 68, 1, 68, 0, 1, 0, 6, 44,
    43, 6, 0, 7, 0, 6, 51, 7, 0, 88, 6, 85, 7, 84, 7, 0, 79, 82, 83, 7, 84, 86, 0, 89, 87, 6, 0, 89, 90, 0, 91, 6,
    93, 7, 93, 0, 6, 93, 7, 92, 7, 94, 6, 0, 6, 0, 63, 7, 63, 6, 63, 7, 0, 6, 0, 63, 6, 54, 58, 6, 48, 0, 6, 0, 98,
    7, 46, 97, 0, 7, 45, 77, 78, 6, 0, 42, 41, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 6, 0, 1, 6, 0, 5, 81, 0, 1, 71, 1,
    70, 0, 76, 0, 75, 0, 68, 0, 68, 0, 6, 0, 64, 0, 6, 0, 57, 0, 1, 7, 62, 6, 0, 48, 80, 68, 0, 6, 1, 0, 6, 65, 7,
    0, 6, 0, 74, 0, 40, 1, 4, 1, 5, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 39, 1, 0, 2, 1, 0, 1, 2, 1, 5, 0, 1,
    0, 1, 0, 2, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 4, 0, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0,
    1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 0, 1, 3, 1, 3, 1, 0, 3, 0, 3, 0, 3, 0, 3,
    0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 1,
    3, 1, 96, 0, 96, 0, 96, 0, 1, 0, 1, 5, 1, 0, 1, 0, 99, 64, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 1, 3, 1, 3,
    0, 3, 0, 3, 0, 1, 2, 0, 1, 0, 4, 5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 7, 0, 38, 0,
    38, 1, 0, 1, 0, 6, 0, 35, 0, 6, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0, 61, 0,
    61, 0, 61, 0, 61, 56, 60, 1, 0, 1, 0, 55, 60, 1, 0, 61, 53, 0, 1, 0, 61, 52, 62, 1, 0, 49, 50, 60, 1, 0, 1, 2,
    1, 34, 33, 1, 32, 1, 2, 1, 3, 5, 1, 5, 4, 3, 1, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
    0, 1, 36, 1, 0, 1, 30, 31, 0, 1, 0, 67, 0, 3, 1, 0, 1, 0, 1, 0, 1, 0, 66, 0, 7, 0, 1, 0, 1, 3, 1, 3, 1, 3, 1, 3,
    1, 3, 1, 3, 1, 3, 1, 3, 1, 0, 1, 0, 1, 3, 1, 0, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1,
    3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 0, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3,
    1, 3, 1, 3, 1, 3, 1, 0, 1, 0, 1, 74, 0, 6, 28, 37, 29, 0, 7, 26, 27, 24, 25, 0, 6, 0, 7, 0, 23, 6, 0, 1, 7, 0,
    6, 0, 1, 5, 1, 0, 1, 0, 1, 0, 1, 5, 1, 5, 0, 1, 4, 5, 1, 0, 1, 0, 1, 0, 1, 0, 1, 3, 1, 3, 0, 3, 1, 3, 1, 0, 3,
    0, 3, 1, 3, 1, 3, 1, 3, 0, 1, 3, 1, 0, 1, 0, 1, 3, 1, 0, 3, 1, 0, 1, 0, 1, 3, 1, 3, 1, 3, 1, 0, 1, 3, 1, 3, 0,
    1, 0, 1, 0, 1, 5, 0, 6, 0, 1, 0, 1, 0, 6, 0, 1, 5, 0, 1, 0, 1, 6, 0, 6, 0, 7, 22, 6, 0, 1, 7, 18, 0, 6, 0, 6,
    14, 12, 13, 16, 14, 0, 20, 17, 19, 95, 6, 59, 15, 21, 7, 11, 6, 0, 6, 0, 6, 10, 0, 7, 0, 1, 0, 1, 0, 1, 0, 1, 0,
    1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 3, 0, 1, 3, 1, 3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 0, 3, 0, 1, 0, 1,
    0, 1, 0, 1, 0, 1, 2, 1, 4, 5, 1, 0, 1, 0, 1, 5, 4, 1, 0, 1, 0, 2, 0, 4, 1, 8, 1, 8, 1, 5, 1, 9, 1, 8, 1, 3, 0,
    1, 0, 1, 0, 2, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 73, 0, 73, 0, 1, 72, 0, 72, 0, 72, 0,
    72, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 76, 0, 68, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0,
    1, 0, 1, 2, 1, 0, 2, 0, 1, 5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0,
    1, 0, 1, 0, 1, 0, 1, 0, 3, 0, 1, 0, 1, 0, 68, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
    0, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 68, 0, 1, 0, 1, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3,
    0, 3, 0, 3, 0, 3, 0, 3, 0, 1, 0, 1, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1,
    0, 1, 0, 1, 0, 3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0,
    1, 0, 1, 0, 1, 0, 69, 0, 4, 5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 1, 3, 1, 3, 1,
    3, 1, 3, 1, 3, 1, 3, 0, 3, 1, 3, 0, 1, 3, 1, 3, 1, 3, 1, 0, 1, 0, 3, 0, 3, 0, 3, 2, 3, 1, 3, 1, 3, 0, 3, 0, 3,
    0, 1, 3, 0, 3, 1, 3, 0, 3, 0, 3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 3, 0, 3, 0, 1, 3, 1, 3, 1, 3, 0, 3, 0, 3, 0,
    3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 1, 0, 1, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 2, 0, 2, 0, 2,
    0,
};
static const int32_t DISTANCES[] = {
    -65248, -65216, -42561, -42343, -42319, -42315, -42308, -42307, -42305, -42282, -42280, -42261, -42258, -35384,
    -35332, -10815, -10783, -10782, -10780, -10749, -10743, -10727, -8383, -8262, -8180, -8178, -8177, -7615, -7517,
    -3814, -3008, -1484, -1331, -661, -660, -200, -199, -195, -163, -141, -130, -128, -126, -121, -112, -100, -97,
    -86, -74, -60, -56, -48, -9, -8, -7, 2, 8, 15, 16, 28, 32, 34, 37, 38, 39, 40, 48, 63, 64, 69, 71, 79, 80, 116,
    202, 203, 205, 206, 207, 209, 210, 211, 213, 214, 217, 218, 219, 928, 7264, 10792, 10795, 38864,
};
/* clang-format on */
/* end characters */

/* The block: the places of the header's numbers, and its flags. */
enum {
    SIZE = 1,
    CHECKSUM,
    FLAGS = 4,
    OUTPUTS,
    LABELS,
    TOKENS,
    MAX_LENGTH,
    EXPONENT = 10,
    BUCKETS = 12,
    MULTIPLIERS,
    SHORTEST = 16,
    LONGEST,
    CHARACTER_BUCKETS,
    MOST,
    WIDTH,
    LAYERS,
    LABELS_AT,
    WORDS_AT,
    FLOATS_AT,
    UNIGRAMS_AT,
    BIGRAMS_AT,
    CHARACTERS_AT,
    SLOTS,
    LONGEST_WORD,
    PROBES,
    WORDS_SIZE,
    HEADER
};
enum {
    KERAS_IMDB = 1,
    MARKS = 2,
    TRUNCATE_PRE = 4,
    AVERAGE = 8,
    ALL_IDS = 16,
    TRIPLES = 32,
    WITH_CHARACTERS = 64,
    FAST = 128,
    ALL_FLAGS = 255
};
#define MAGIC 0x31585445u /* "ETX1" */

enum { START = 1, UNKNOWN = 2, RESERVED = 4 }; /* ids */

#define MOST_WIDTH 64 /* of the layers of the network of averages, which are on the stack */
#define MOST_LAYERS 8
#define LONGEST_NGRAM 16
#define LONGEST_TEXT 65536 /* code points in which runs are searched for */
#define SLOT 16            /* bytes of a slot in the table of words */
#define INLINE 12          /* bytes of a word that fit in a slot */
#define LONG_WORD 255      /* stands for the length of a word that does not */
#define GROUP 16           /* words in a block of the sorted words */
#define MOST_SHARED 255    /* bytes that a sorted word can share with the one before it */

static uint32_t get16(const unsigned char *bytes) { return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8; }

static uint32_t get32(const unsigned char *bytes) { return get16(bytes) | get16(bytes + 2) << 16; }

static uint64_t get64(const unsigned char *bytes) { return get32(bytes) | (uint64_t)get32(bytes + 4) << 32; }

static int get_weight(const unsigned char *byte) { return (*byte ^ 0x80) - 0x80; }

static double get_float(const unsigned char *bytes)
{
    uint32_t bits = get32(bytes);
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static double make_double(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* --- Mathematics, without a library ------------------------------------------------------------------------------ */

/* Return e to the power of x, which is at most 0. The error is less than one unit in the last place. */
static double power_of_e(double x)
{
    /* x = k ln 2 + r, with ln 2 in two parts so that r is exact; then the series of exp(r), |r| <= 0.35: the terms left
     * out are below 2^-57. */
    static const double INVERSE[] = {1. / 2,       1. / 6,        1. / 24,        1. / 120,
                                     1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                                     1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
    int k, term;
    double r, low, series;
    if (x < -745.2) return 0;
    k = (int)(x * 1.4426950408889634 - 0.5);
    r = x - k * 0x1.62e42fee00000p-1;
    low = k * 0x1.a39ef35793c76p-33;
    r -= low;
    series = 0;
    for (term = (int)(sizeof INVERSE / sizeof *INVERSE) - 1; term >= 0; term--) series = series * r + INVERSE[term];
    series = 1 + (r + r * r * series);
    if (k >= -1022) return series * make_double((uint64_t)(k + 1023) << 52);
    return series * make_double((uint64_t)(k + 1023 + 64) << 52) * 0x1p-64;
}

static double square_root(double x) /* of a number from 1 to 65,537 */
{
    uint64_t bits;
    double root;
    int step;
    memcpy(&bits, &x, sizeof bits);
    root = make_double((bits >> 1) + ((uint64_t)1023 << 51)); /* within 7 % */
    for (step = 0; step < 4; step++) root = 0.5 * (root + x / root);
    return root;
}

/* Return count to the power of -exponent, from 0 to 1: the product of the roots that the exponent's binary digits name.
 * For the usual 1/4 and 1/2 there are two and one. */
static double weight_of(size_t count, double exponent)
{
    double root = (double)count, power = 1;
    if (exponent >= 1) return 1 / root;
    while (exponent > 0 && root > 1) {
        root = square_root(root);
        exponent *= 2;
        if (exponent >= 1) {
            power *= root;
            exponent -= 1;
        }
    }
    return 1 / power;
}

/* --- Reading words ----------------------------------------------------------------------------------------------- */

#define SPACE 0x20u
#define DROPPED 0xFFFFFFFFu
#define ALONE 0x80000000u /* with a code point that is a word of its own */

/* What becomes of ASCII in the rule set words-1: letters and digits; 1 for the apostrophe, 2 for marks, 3 for what
 * begins an emoticon; 0 separates words. */
/* clang-format off */
static const unsigned char ASCII[128] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   2,   0,   0,   0,   0,   0,   1,   0,   0,   0,   0,   0,   0,   0,   0,
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 3,   3,   3,   0,   0,   2,
    0,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0,   0,   0,   0,   0,
    0,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0,   0,   0,   0,   0,
};
/* clang-format on */
enum { FIRST_LETTER = '0' };

/* Return the code point at `*place` and move `*place` behind it; U+FFFD for each part that is not UTF-8. */
static uint32_t decode(const unsigned char *text, size_t length, size_t *place)
{
    uint32_t first = text[(*place)++], code, lowest = 0x80, highest = 0xBF;
    int more;
    if (first < 0x80) return first;
    if (first < 0xC2 || first > 0xF4) return 0xFFFD;
    more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    code = first & (0x3Fu >> more);
    if (first == 0xE0) lowest = 0xA0;  /* else it would be shorter */
    if (first == 0xED) highest = 0x9F; /* surrogates */
    if (first == 0xF0) lowest = 0x90;
    if (first == 0xF4) highest = 0x8F; /* above U+10FFFF */
    for (; more; more--) {
        if (*place == length || text[*place] < lowest || text[*place] > highest) return 0xFFFD;
        code = code << 6 | (text[(*place)++] & 0x3Fu);
        lowest = 0x80;
        highest = 0xBF;
    }
    return code;
}

size_t edgetext_valid_length(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t begin = 0, place = 0;
    for (; place < length; begin = place) /* U+FFFD is valid where it stands in the text, in three bytes */
        if (decode(bytes, length, &place) == 0xFFFD && !(bytes[begin] == 0xEF && place - begin == 3)) return begin;
    return length;
}

/* Read a code point as `decode`, and return what takes its place in the rule set words-1: a code point, perhaps with
 * ALONE; SPACE or DROPPED. Marks become '!' and '?'. */
static uint32_t fold(const unsigned char *text, size_t length, size_t *place)
{
    uint32_t code = decode(text, length, place), low = code & 0xFFFF;
    int first = PLANES[code >> 16], last = PLANES[(code >> 16) + 1], action;
    while (first < last) { /* the last run of the plane that begins at or before the code point */
        int middle = (first + last) / 2;
        if (STARTS[middle] <= low)
            first = middle + 1;
        else
            last = middle;
    }
    action = ACTIONS[first - 1];
    switch (action) {
    case LETTER: return code;
    case SEPARATOR: return SPACE;
    case NOTHING: return DROPPED;
    case WORD: return code | ALONE;
    case EXCLAMATION: return '!';
    case QUESTION: return '?';
    case TO_ODD: return code | 1;
    case TO_EVEN: return code + (code & 1);
    default: return code + (uint32_t)DISTANCES[action - SHIFT];
    }
}

/* Return the code point of a word or run that stands at `*place` or after dropped ones, and move behind it; 0 at `end`.
 */
static uint32_t next_letter(const unsigned char *text, size_t end, size_t *place)
{
    while (*place < end) {
        uint32_t code = fold(text, end, place);
        if (code != DROPPED) return code < 0x80 && ASCII[code] >= FIRST_LETTER ? ASCII[code] : code & ~ALONE;
    }
    return 0;
}

static size_t encode(uint32_t code, unsigned char *bytes)
{
    size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3, rest;
    static const unsigned char FIRST[] = {0, 0xC0, 0xE0, 0xF0};
    for (rest = more; rest; rest--, code >>= 6) bytes[rest] = (unsigned char)(0x80 | (code & 0x3F));
    bytes[0] = (unsigned char)(FIRST[more] | code);
    return more + 1;
}

#define BUFFER 64 /* bytes of a word that are kept; more are read from the text again */
#define CHUNK 8   /* bytes of a word that are read and hashed at once */

typedef struct {
    const edgetext *model;
    const unsigned char *text;
    size_t length, place; /* of the text, and what is read next */
    size_t start, end;    /* of the word, in the text */
    size_t count;         /* bytes of the word as it stands in the vocabulary, of which `bytes` has the first */
    int alone;            /* whether it is a code point that is a word of its own */
    unsigned char bytes[BUFFER + 2 * CHUNK]; /* with zeros behind the word, as it is hashed and compared with them */
} reader;

static void put(reader *r, uint32_t code)
{
    size_t size;
    if (r->count + 4 <= BUFFER) {
        r->count += encode(code, r->bytes + r->count);
    } else {
        unsigned char bytes[4];
        size = encode(code, bytes);
        if (r->count < BUFFER) memcpy(r->bytes + r->count, bytes, BUFFER - r->count < size ? BUFFER - r->count : size);
        r->count += size;
    }
}

/* Return the number of bytes of the emoticon at a place, 0 if there is none. */
static size_t find_emoticon(const reader *r, size_t place)
{
    const unsigned char *at = r->text + place;
    size_t left = r->length - place;
    if (left < 2) return 0;
    if ((at[0] == ':' && (at[1] == ')' || at[1] == '(')) || (at[0] == ';' && at[1] == ')')) return 2;
    if ((at[0] == ':' && at[1] == 'D') || (at[0] == '<' && at[1] == '3'))
        return left > 2 && at[2] < 0x80 && (ASCII[at[2]] >= FIRST_LETTER || at[2] == '_') ? 0 : 2;
    return 0;
}

/* Read the next word by the rule set words-1; return 0 if there is none. */
static int next_word(reader *r)
{
    const unsigned char *text = r->text;
    size_t place = r->place, length = r->length;
    int apostrophe = 0; /* whether one stands behind the word so far */
    int marks = (r->model->flags & MARKS) != 0;
    r->count = 0;
    r->alone = 0;
    while (place < length) {
        size_t begin = place;
        uint32_t code = text[place], letter;
        if (code < 0x80) {
            place++;
            letter = ASCII[code];
            if (letter >= FIRST_LETTER && !apostrophe && r->count < BUFFER) { /* nearly always; for speed */
                if (!r->count) r->start = begin;
                r->bytes[r->count++] = (unsigned char)letter;
                r->end = place;
                continue;
            }
            if (letter == 3) {
                size_t size = marks ? find_emoticon(r, begin) : 0;
                if (size && !r->count) {
                    memcpy(r->bytes, text + begin, size);
                    r->count = size;
                    r->start = begin;
                    r->end = r->place = begin + size;
                    return 1;
                }
            }
        } else {
            code = fold(text, length, &place);
            if (code == DROPPED) continue;
            letter = code < 0x80 ? ASCII[code] : code;
        }
        if (letter >= FIRST_LETTER && !(letter & ALONE)) {
            if (!r->count) r->start = begin;
            if (apostrophe) put(r, '\'');
            apostrophe = 0;
            put(r, letter);
            r->end = place;
        } else if (letter == 1 && r->count && !apostrophe) {
            apostrophe = 1;
        } else if (r->count) { /* the word ends, and what ends it is read again */
            r->place = begin;
            return 1;
        } else if (letter & ALONE || (letter == 2 && marks)) {
            put(r, code & ~ALONE);
            r->alone = 1;
            r->start = begin;
            r->end = r->place = place;
            return 1;
        }
    }
    r->place = place;
    return r->count != 0;
}

#if SIZE_MAX > 0xFFFFFFFF

static void put64(unsigned char *bytes, uint64_t number)
{
    int place;
    for (place = 0; place < 8; place++) bytes[place] = (unsigned char)(number >> 8 * place);
}

/* Read the ASCII letters and digits that eight bytes of text begin with, in lower case, and return their number. */
static size_t read_letters(const unsigned char *text, unsigned char *letters)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    /* The highest bit of each byte says whether it is one. Sums carry into the next byte only from bytes beyond ASCII,
     * which are neither, and behind which nothing counts. */
    uint64_t bytes = get64(text), lower = bytes | 0x20 * each;
    uint64_t is_letter = (lower + (0x80 - 'a') * each) & ~(lower + (0x7F - 'z') * each) & 0x80 * each;
    uint64_t is_digit = (bytes + (0x80 - '0') * each) & ~(bytes + (0x7F - '9') * each);
    uint64_t others = ~(is_letter | is_digit) >> 7 & each;
    uint64_t before = (others & (~others + 1)) - 1; /* all bits of the bytes before the first of the others */
    put64(letters, (bytes | is_letter >> 2) & before);
    put64(letters + CHUNK, 0);
    return (size_t)((before & each) * each >> 56);
}

/* Read the next word as `next_word` does, if it is of ASCII letters and digits only and does not end the text, as
 * nearly all are; otherwise return 0. */
static int next_plain_word(reader *r)
{
    const unsigned char *text = r->text;
    size_t place = r->place, length = r->length, count = 0, size;
    if (r->model->flags & KERAS_IMDB) return 0;
    while (place < length && text[place] < 0x80 && ASCII[text[place]] == 0) place++;
    r->start = place;
    do {
        if (length - place < CHUNK || count > BUFFER - CHUNK) return 0;
        size = read_letters(text + place, r->bytes + count);
        count += size;
        place += size;
    } while (size == CHUNK);
    if (!count || text[place] >= 0x80 || text[place] == '\'') return 0; /* a word that may go on */
    r->count = count;
    r->alone = 0;
    r->end = r->place = place;
    return 1;
}

#else

/* On machines of 32 bits it would take longer. */
static int next_plain_word(const reader *r)
{
    (void)r;
    return 0;
}

#endif

static int separates_keras(unsigned char byte)
{
    if (byte >= 0x80) return 0;
    if (byte <= ' ') return byte == ' ' || byte == '\t' || byte == '\n';
    return ASCII[byte] != 1 && ASCII[byte] < FIRST_LETTER && byte != 0x7F;
}

static unsigned char lower(unsigned char byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

/* Read the next word by the rule set keras-imdb, in which bytes are what counts; return 0 if there is none. */
static int next_keras_word(reader *r)
{
    size_t place = r->place;
    while (place < r->length && separates_keras(r->text[place])) place++;
    r->start = place;
    r->alone = 0;
    for (; place < r->length && !separates_keras(r->text[place]); place++)
        if (place - r->start < BUFFER) r->bytes[place - r->start] = lower(r->text[place]);
    r->count = place - r->start;
    r->end = r->place = place;
    return r->count != 0;
}

/* --- Looking words up -------------------------------------------------------------------------------------------- */

/* The bytes of a word one after the other. */
typedef struct {
    const reader *word;
    size_t place, next, size;
    unsigned char bytes[4]; /* of a code point of a word that is too long for the buffer */
} speller;

static unsigned next_byte(speller *s)
{
    const reader *word = s->word;
    if (word->count <= BUFFER) return word->bytes[s->next++];
    if (word->model->flags & KERAS_IMDB) return lower(word->text[word->start + s->next++]);
    if (s->next == s->size) {
        s->size = encode(next_letter(word->text, word->end, &s->place), s->bytes);
        s->next = 0;
    }
    return s->bytes[s->next++];
}

/* Compare a word from its byte `*equal` on with stored bytes, raise `*equal` by the number of equal bytes, and return
 * which of the two is greater in their first difference: the word if above 0; 0 if all stored bytes are equal. */
static int compare(const reader *word, size_t *equal, const unsigned char *stored, size_t size)
{
    speller s = {word, word->start, 0, 0, {0}};
    size_t skipped;
    if (word->count <= BUFFER)
        s.next = *equal;
    else
        for (skipped = 0; skipped < *equal; skipped++) (void)next_byte(&s);
    for (; size; size--, stored++, ++*equal) {
        unsigned byte;
        if (*equal == word->count) return -1;
        byte = next_byte(&s);
        if (byte != *stored) return byte < *stored ? -1 : 1;
    }
    return 0;
}

/* Return the hash of a word, as guides/block-format.md describes it. */
static uint64_t hash_word(const reader *word)
{
    speller s = {word, word->start, 0, 0, {0}};
    uint64_t hash = 0, chunk;
    size_t place, byte;
    for (place = 0; place < word->count; place += CHUNK) {
        if (word->count <= BUFFER) {
            chunk = get64(word->bytes + place);
        } else {
            chunk = 0;
            for (byte = 0; byte < CHUNK && place + byte < word->count; byte++)
                chunk |= (uint64_t)next_byte(&s) << 8 * byte;
        }
        hash = (hash ^ chunk) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return hash;
}

static uint32_t find_slot(const edgetext *model, const reader *word)
{
    uint64_t hash = hash_word(word);
    uint32_t slot = (uint32_t)hash & (model->slots - 1), left;
    for (left = model->probes; left; left--, slot = (slot + 1) & (model->slots - 1)) {
        const unsigned char *at = model->words + (size_t)slot * SLOT;
        uint32_t head = get32(at), size = head >> 24;
        size_t equal = 0;
        if (!head) break;
        if (size == word->count && size != LONG_WORD) { /* with zeros behind both, which is why all can be compared */
            if (get64(at + 4) == get64(word->bytes) && get32(at + 12) == get32(word->bytes + 8)) return head & 0xFFFFFF;
        } else if (size == LONG_WORD && get32(at + 12) == word->count && get32(at + 4) == hash >> 32) {
            if (compare(word, &equal, model->words + get32(at + 8), word->count) == 0) return head & 0xFFFFFF;
        }
    }
    return UNKNOWN;
}

/* Read the numbers before a sorted word, and return where its own bytes begin. */
static const unsigned char *read_entry(const unsigned char *at, size_t *shared, size_t *size)
{
    *shared = *at++;
    *size = *at++;
    if (*size == 255) {
        *size = get32(at);
        at += 4;
    }
    return at;
}

static uint32_t find_sorted(const edgetext *model, const reader *word)
{
    uint32_t count = model->tokens - RESERVED, low = 0, high = model->slots, index;
    size_t equal = 0, shared, size;
    const unsigned char *at;
    while (high - low > 1) { /* the last block that begins at or before the word */
        uint32_t middle = (low + high) / 2;
        size_t from_start = 0;
        at = read_entry(model->words + get32(model->words + (size_t)middle * 4), &shared, &size);
        if (compare(word, &from_start, at, size) < 0)
            high = middle;
        else
            low = middle;
    }
    if (!high) return UNKNOWN;
    at = model->words + get32(model->words + (size_t)low * 4);
    for (index = low * GROUP; index < count && index < (low + 1) * GROUP; index++, at += size) {
        /* `equal` is how many bytes the word shares with the entry before this one, after which the word comes. */
        at = read_entry(at, &shared, &size);
        if (shared > equal) continue;
        if (shared < equal) {
            if (shared < MOST_SHARED) break;
            equal = shared; /* more may be shared than an entry can say */
        }
        {
            int order = compare(word, &equal, at, size);
            if (order < 0) break;
            if (order == 0 && equal == word->count) {
                at = model->words + (size_t)model->slots * 4 + (size_t)index * model->probes;
                return model->probes == 2 ? get16(at) : get32(at);
            }
        }
    }
    return UNKNOWN;
}

/* --- Scoring ----------------------------------------------------------------------------------------------------- */

/* The numbers of each output, in the order of the block. The first two and the last are the scales of tables. */
enum { UNIGRAMS, BIGRAMS, BIAS, PRIOR, CHARACTERS };

static double read_number(const edgetext *model, int kind, uint32_t output)
{
    return get_float(model->floats + ((size_t)kind * model->outputs + output) * 4);
}

typedef struct {
    const edgetext *model;
    size_t columns; /* of the tables: outputs, or values of an embedding */
    int32_t *sums;  /* of unigrams, bigrams and characters for each output, or of the embeddings; NULL only counts */
    size_t words, unknown, ngrams;
    /* The last two ids, and where their words begin. */
    size_t ids;
    uint32_t last, before_last;
    size_t last_start, before_last_start;
    /* To explain instead of to score. */
    edgetext_visitor *visit;
    void *context;
    uint32_t output;
    double weight;               /* of a sum */
    double effect, start_effect; /* of the part so far, and of the start mark */
} scorer;

static void add(scorer *s, int table, const unsigned char *rows, uint32_t row)
{
    size_t column, columns = s->columns;
    const unsigned char *weights = rows + row * columns;
    if (s->visit) {
        s->effect += get_weight(weights + s->output) * read_number(s->model, table, s->output) * s->weight;
    } else if (s->sums) {
        int32_t *sums = s->sums + (size_t)(table == CHARACTERS ? 2 : table) * columns;
        if (columns == 1) /* for speed */
            *sums += get_weight(weights);
        else
            for (column = 0; column < columns; column++) sums[column] += get_weight(weights + column);
    }
}

static void report(scorer *s, int kind, size_t start, size_t end)
{
    if (s->visit) {
        edgetext_part part;
        part.kind = kind;
        part.start = start;
        part.end = end;
        part.effect = s->effect;
        s->effect = 0;
        s->visit(s->context, &part);
    }
}

#define NOWHERE SIZE_MAX /* the place of the start mark */

static void add_start(scorer *s)
{
    add(s, UNIGRAMS, s->model->unigrams, START);
    s->start_effect = s->effect;
    s->effect = 0;
    s->last = START;
    s->last_start = NOWHERE;
    s->ids = 1;
}

/* Add the weights of a word's id, and of the pair and the triple that end with it. */
static void add_id(scorer *s, uint32_t id, size_t start, size_t end)
{
    const edgetext *model = s->model;
    int all = (model->flags & ALL_IDS) != 0;
    add(s, UNIGRAMS, model->unigrams, id);
    report(s, id == UNKNOWN ? EDGETEXT_UNKNOWN : EDGETEXT_WORD, start, end);
    if (model->bigrams && s->ids && (all || (id != UNKNOWN && s->last != UNKNOWN))) {
        uint32_t mask = model->buckets - 1;
        const uint32_t *factors = model->multipliers;
        add(s, BIGRAMS, model->bigrams, (factors[0] * s->last + factors[1] * id) & mask);
        if (s->last_start == NOWHERE)
            report(s, EDGETEXT_BEGINNING, start, end);
        else
            report(s, EDGETEXT_PAIR, s->last_start, end);
        if (model->flags & TRIPLES && s->ids > 1 && s->before_last != UNKNOWN) {
            add(s, BIGRAMS, model->bigrams,
                (factors[0] * s->before_last + factors[1] * s->last + factors[2] * id) & mask);
            if (s->before_last_start == NOWHERE)
                report(s, EDGETEXT_BEGINNING, s->last_start, end);
            else
                report(s, EDGETEXT_TRIPLE, s->before_last_start, end);
        }
    }
    s->before_last = s->last;
    s->before_last_start = s->last_start;
    s->last = id;
    s->last_start = start;
    s->ids++;
}

/* Continue the CRC-32 of zlib, which is kept inverted, with a byte. */
static uint32_t update_crc(uint32_t crc, unsigned char byte)
{
    static const uint32_t TABLE[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    crc ^= byte;
    crc = crc >> 4 ^ TABLE[crc & 15];
    return crc >> 4 ^ TABLE[crc & 15];
}

/* Add the weights of the character n-grams of a word or run, which is `text` from `start` to `end`; stop at the most.
 */
static void add_ngrams(scorer *s, const unsigned char *text, size_t start, size_t end)
{
    const edgetext *model = s->model;
    uint32_t letters[LONGEST_NGRAM] = {'<'}, size = 1, index;
    size_t before = s->ngrams;
    int ended = 0, emoticon = text[start] < 0x80 && ASCII[text[start]] == 3; /* which is kept as it is */
    size_t place = start;
    for (;;) {
        uint32_t crc = 0xFFFFFFFFu;
        while (!ended && size < model->longest) {
            uint32_t code = emoticon ? place < end ? text[place++] : 0 : next_letter(text, end, &place);
            ended = !code;
            letters[size++] = ended ? '>' : code;
        }
        for (index = 0; index < size; index++) {
            unsigned char bytes[4];
            size_t count = encode(letters[index], bytes), byte;
            for (byte = 0; byte < count; byte++) crc = update_crc(crc, bytes[byte]);
            if (index + 1 < model->shortest) continue;
            if (s->ngrams == model->most) break;
            s->ngrams++;
            add(s, CHARACTERS, model->characters, ~crc & (model->character_buckets - 1));
        }
        if (s->ngrams == model->most || size < model->shortest || size == 1) break;
        size--;
        memmove(letters, letters + 1, size * sizeof *letters);
    }
    if (s->ngrams > before) report(s, EDGETEXT_CHARACTERS, start, end);
}

/* Add the weights of the character n-grams of all runs: neighbouring code points that are words of their own. */
static void add_runs(scorer *s, const unsigned char *text, size_t length)
{
    size_t place = 0, start = 0, end = 0, codes;
    for (codes = 0; place < length && codes < LONGEST_TEXT; codes++) {
        size_t begin = place;
        uint32_t code = text[place] < 0x80 ? (place++, SPACE) : fold(text, length, &place);
        if (code == DROPPED) continue;
        if (code & ALONE) {
            if (start == end) start = begin;
            end = place;
        } else if (start != end) {
            add_ngrams(s, text, start, end);
            start = end;
        }
        if (s->ngrams == s->model->most) return;
    }
    if (start != end) add_ngrams(s, text, start, end);
}

/* Read the next word of whatever kind by the model's rule set; return 0 if there is none. */
static int next_any_word(reader *r)
{
    if (!(r->model->flags & KERAS_IMDB ? next_keras_word(r) : next_word(r))) return 0;
    if (r->count <= BUFFER) memset(r->bytes + r->count, 0, INLINE);
    return 1;
}

static int read_word(reader *r) { return next_plain_word(r) || next_any_word(r); }

static uint32_t look_up(const edgetext *model, const reader *word)
{
    if (word->count > model->longest_word) return UNKNOWN;
    return model->flags & FAST ? find_slot(model, word) : find_sorted(model, word);
}

/* Read a text: add the weights of everything in it that counts. */
static void read_text(scorer *s, const char *text, size_t length)
{
    const edgetext *model = s->model;
    size_t skipped = 0, most = model->max_length - 1; /* ids that are cut off at the front, and words that are kept */
    reader r;
    s->columns = model->flags & AVERAGE ? model->width : model->outputs;
    r.model = model;
    r.text = (const unsigned char *)text;
    r.length = length;
    if (model->flags & TRUNCATE_PRE) {
        size_t words = 0;
        r.place = 0;
        while (next_any_word(&r)) words++;
        if (words > most) skipped = words - most;
        most = SIZE_MAX;
    }
    r.place = 0;
    if (skipped)
        skipped--;
    else
        add_start(s);
    while (s->words < most && read_word(&r)) {
        uint32_t id;
        if (skipped) {
            skipped--;
            continue;
        }
        id = look_up(model, &r);
        s->words++;
        add_id(s, id, r.start, r.end);
        if (id == UNKNOWN) {
            s->unknown++;
            if (model->flags & WITH_CHARACTERS && !r.alone && s->ngrams < model->most)
                add_ngrams(s, r.text, r.start, r.end);
        }
    }
    if (model->flags & WITH_CHARACTERS && s->ngrams < model->most) add_runs(s, r.text, length);
}

static int knows_words(const scorer *s) { return s->model->flags & ALL_IDS || s->unknown < s->words; }

/* Return which number is added to the sums; it is all there is for a text of which nothing is known. */
static int bias_kind(const scorer *s) { return knows_words(s) || s->ngrams ? BIAS : PRIOR; }

static void find_logits(const scorer *s, double *logits)
{
    const edgetext *model = s->model;
    double weight = weight_of(s->ids ? s->ids : 1, model->exponent);
    uint32_t output, outputs = model->outputs;
    for (output = 0; output < outputs; output++) {
        const int32_t *sums = s->sums + output;
        double logit = read_number(model, bias_kind(s), output);
        if (knows_words(s))
            logit =
                (sums[0] * read_number(model, UNIGRAMS, output) + sums[outputs] * read_number(model, BIGRAMS, output)) *
                    weight +
                logit;
        if (s->ngrams) logit += sums[(size_t)2 * outputs] * read_number(model, CHARACTERS, output) * weight;
        logits[output] = logit;
    }
}

/* Compute the logits of the network of averages from the sums of embeddings. */
static void find_average_logits(const scorer *s, double *logits)
{
    const edgetext *model = s->model;
    const unsigned char *at = model->floats + (size_t)model->layers * 4;
    double values[MOST_WIDTH], results[MOST_WIDTH];
    uint32_t inputs = model->width, layer, input, output;
    for (input = 0; input < inputs; input++, at += 4)
        values[input] = s->sums[input] * (get_float(at) / model->max_length);
    for (layer = 0; layer < model->layers; layer++) {
        uint32_t outputs = get32(model->floats + (size_t)layer * 4);
        int last = layer + 1 == model->layers;
        const unsigned char *biases = at + (size_t)inputs * outputs * 4;
        double *to = last ? logits : results;
        for (output = 0; output < outputs; output++) {
            double sum = get_float(biases + (size_t)output * 4);
            for (input = 0; input < inputs; input++)
                sum += get_float(at + ((size_t)input * outputs + output) * 4) * values[input];
            to[output] = last || sum > 0 ? sum : 0;
        }
        if (!last) memcpy(values, results, outputs * sizeof *values);
        at = biases + (size_t)outputs * 4;
        inputs = outputs;
    }
}

size_t edgetext_score(const edgetext *model, const char *text, size_t length, double *probabilities, int32_t *scratch,
                      double *known)
{
    scorer s = {0};
    int32_t few[MOST_WIDTH] = {0};
    uint32_t label, best = 0;
    double sum = 0;
    s.model = model;
    s.sums = few;
    if (!(model->flags & AVERAGE) && EDGETEXT_SCRATCH((size_t)model->outputs) > MOST_WIDTH) {
        memset(scratch, 0, EDGETEXT_SCRATCH((size_t)model->outputs) * sizeof *scratch);
        s.sums = scratch;
    }
    read_text(&s, text, length);
    if (model->flags & AVERAGE)
        find_average_logits(&s, probabilities);
    else
        find_logits(&s, probabilities);
    if (known) *known = s.words ? (double)(s.words - s.unknown) / (double)s.words : 0;
    if (model->outputs == 1) {
        double logit = probabilities[0], power = power_of_e(logit < 0 ? logit : -logit);
        probabilities[1] = (logit < 0 ? power : 1) / (1 + power);
        probabilities[0] = 1 - probabilities[1];
        return probabilities[1] > probabilities[0];
    }
    for (label = 1; label < model->labels; label++)
        if (probabilities[label] > probabilities[best]) best = label;
    {
        double highest = probabilities[best];
        for (label = 0; label < model->labels; label++)
            sum += probabilities[label] = power_of_e(probabilities[label] - highest);
    }
    for (label = 0; label < model->labels; label++) probabilities[label] /= sum;
    return best;
}

int edgetext_explain(const edgetext *model, const char *text, size_t length, size_t label, edgetext_visitor *visit,
                     void *context)
{
    scorer counted = {0}, s = {0};
    double sign = model->outputs == 1 && label == 0 ? -1 : 1;
    if (model->flags & AVERAGE) return EDGETEXT_NO_EXPLANATION;
    counted.model = s.model = model;
    read_text(&counted, text, length);
    s.visit = visit;
    s.context = context;
    s.output = model->outputs == 1 ? 0 : (uint32_t)label;
    if (bias_kind(&counted) == BIAS) s.weight = sign * weight_of(counted.ids ? counted.ids : 1, model->exponent);
    read_text(&s, text, length);
    s.effect = sign * read_number(model, bias_kind(&counted), s.output) + s.start_effect;
    report(&s, EDGETEXT_BIAS, 0, 0);
    return EDGETEXT_OK;
}

/* --- Opening a model --------------------------------------------------------------------------------------------- */

static int is_power_of_two(uint32_t number) { return number && !(number & (number - 1)); }

/* Return whether a block has `size` bytes at an offset that its header names. */
static int has(const edgetext *model, int offset, uint64_t size)
{
    uint32_t begin = get32(model->block + (size_t)offset * 4);
    return begin >= HEADER * 4 && begin <= model->size && size <= model->size - begin;
}

static const unsigned char *section(const edgetext *model, int offset)
{
    return model->block + get32(model->block + (size_t)offset * 4);
}

static int has_labels(const edgetext *model)
{
    const unsigned char *offsets = section(model, LABELS_AT);
    uint32_t label, begin;
    if (!has(model, LABELS_AT, (uint64_t)model->labels * 4)) return 0;
    for (label = 0; label < model->labels; label++) {
        begin = get32(offsets + (size_t)label * 4);
        if (begin >= model->size || !memchr(model->block + begin, 0, model->size - begin)) return 0;
    }
    return 1;
}

static int has_slots(const edgetext *model, uint32_t size)
{
    uint32_t slot;
    if (!is_power_of_two(model->slots) || model->slots > size / SLOT || model->probes > model->slots) return 0;
    for (slot = 0; slot < model->slots; slot++) {
        const unsigned char *at = model->words + (size_t)slot * SLOT;
        uint32_t head = get32(at), id = head & 0xFFFFFF, count = head >> 24, begin = get32(at + 8);
        if (!head) continue;
        if (id < RESERVED || id >= model->tokens || !count || (count > INLINE && count != LONG_WORD)) return 0;
        if (count == LONG_WORD && (begin > size || get32(at + 12) > size - begin)) return 0;
    }
    return 1;
}

static int has_sorted_words(const edgetext *model, uint32_t size)
{
    uint32_t words = model->tokens - RESERVED, index, begin;
    uint64_t heads = (uint64_t)model->slots * 4 + (uint64_t)words * model->probes;
    if (model->slots != words / GROUP + (words % GROUP != 0) || (model->probes != 2 && model->probes != 4)) return 0;
    if (heads > size) return 0;
    for (index = 0; index < words; index++) {
        const unsigned char *at = model->words + (size_t)model->slots * 4 + (size_t)index * model->probes;
        uint32_t id = model->probes == 2 ? get16(at) : get32(at);
        if (id < RESERVED || id >= model->tokens) return 0;
    }
    for (index = 0, begin = 0; index < words; index++) {
        const unsigned char *at;
        uint32_t left;
        size_t shared, count;
        if (index % GROUP == 0) begin = get32(model->words + (size_t)(index / GROUP) * 4);
        if (begin > size || (left = size - begin) < 2) return 0;
        at = model->words + begin;
        if (at[1] == 255 && left < 6) return 0;
        at = read_entry(at, &shared, &count);
        left = size - (uint32_t)(at - model->words);
        if (count > left) return 0;
        begin = (uint32_t)(at - model->words) + (uint32_t)count;
    }
    return 1;
}

static int has_words(edgetext *model)
{
    uint32_t size = get32(model->block + WORDS_SIZE * 4);
    if (!has(model, WORDS_AT, size)) return 0;
    model->words = section(model, WORDS_AT);
    return model->flags & FAST ? has_slots(model, size) : has_sorted_words(model, size);
}

static int are_finite(const unsigned char *floats, uint64_t count)
{
    for (; count; count--, floats += 4)
        if ((get32(floats) & 0x7F800000) == 0x7F800000) return 0;
    return 1;
}

static int has_average(edgetext *model)
{
    uint64_t floats = model->width, inputs = model->width;
    uint32_t layer, outputs = 0;
    if (model->flags & (ALL_IDS | TRIPLES | WITH_CHARACTERS)) return 0;
    if (!model->width || model->width > MOST_WIDTH || !model->layers || model->layers > MOST_LAYERS) return 0;
    if (!has(model, FLOATS_AT, (uint64_t)model->layers * 4)) return 0;
    for (layer = 0; layer < model->layers; layer++) {
        outputs = get32(section(model, FLOATS_AT) + (size_t)layer * 4);
        if (!outputs || (layer + 1 < model->layers ? outputs > MOST_WIDTH : outputs != model->outputs)) return 0;
        floats += (inputs + 1) * outputs;
        inputs = outputs;
    }
    if (!has(model, FLOATS_AT, model->layers * 4 + floats * 4)) return 0;
    model->floats = section(model, FLOATS_AT);
    if (!has(model, UNIGRAMS_AT, (uint64_t)model->tokens * model->width)) return 0;
    model->unigrams = section(model, UNIGRAMS_AT);
    return are_finite(model->floats + (size_t)model->layers * 4, floats);
}

static int has_ngrams(edgetext *model)
{
    uint64_t outputs = model->outputs,
             factors = (uint64_t)model->multipliers[0] + model->multipliers[1] + model->multipliers[2];
    if (!(model->exponent >= 0 && model->exponent <= 1) || !is_power_of_two(model->buckets)) return 0;
    if (factors * (model->tokens - 1) >> 32) return 0;
    if (!has(model, FLOATS_AT, outputs * 20) || !has(model, UNIGRAMS_AT, outputs * model->tokens)) return 0;
    if (!has(model, BIGRAMS_AT, outputs * model->buckets)) return 0;
    model->floats = section(model, FLOATS_AT);
    model->unigrams = section(model, UNIGRAMS_AT);
    model->bigrams = section(model, BIGRAMS_AT);
    if (model->flags & WITH_CHARACTERS) {
        if (model->flags & (KERAS_IMDB | TRUNCATE_PRE) || !is_power_of_two(model->character_buckets)) return 0;
        if (!model->shortest || model->shortest > model->longest || model->longest > LONGEST_NGRAM || !model->most)
            return 0;
        if (model->most > 65536 || !has(model, CHARACTERS_AT, outputs * model->character_buckets)) return 0;
        model->characters = section(model, CHARACTERS_AT);
    }
    return are_finite(model->floats, outputs * 5);
}

int edgetext_open(edgetext *model, const void *block, size_t size)
{
    static const edgetext EMPTY = {0};
    const unsigned char *bytes = block, *at;
    uint32_t numbers[HEADER], index, a = 0, b = 0;
    *model = EMPTY;
    if (!block || size < 8 || get32(bytes) != MAGIC) return EDGETEXT_NOT_A_MODEL;
    model->size = get32(bytes + SIZE * 4);
    if (model->size > size || size < HEADER * 4) return EDGETEXT_TRUNCATED;
    if (model->size < size) return EDGETEXT_TOO_LONG;
    if (model->size % 4) return EDGETEXT_INVALID;
    for (at = bytes + FLAGS * 4; at < bytes + model->size; at += 4) b += a += get32(at);
    if (get32(bytes + CHECKSUM * 4) != a || get32(bytes + CHECKSUM * 4 + 4) != b) return EDGETEXT_DAMAGED;

    for (index = 0; index < HEADER; index++) numbers[index] = get32(bytes + (size_t)index * 4);
    model->block = bytes;
    model->flags = numbers[FLAGS];
    model->outputs = numbers[OUTPUTS];
    model->labels = numbers[LABELS];
    model->tokens = numbers[TOKENS];
    model->max_length = numbers[MAX_LENGTH];
    model->exponent = make_double(get64(bytes + EXPONENT * 4));
    model->buckets = numbers[BUCKETS];
    memcpy(model->multipliers, numbers + MULTIPLIERS, sizeof model->multipliers);
    model->shortest = numbers[SHORTEST];
    model->longest = numbers[LONGEST];
    model->character_buckets = numbers[CHARACTER_BUCKETS];
    model->most = numbers[MOST];
    model->width = numbers[WIDTH];
    model->layers = numbers[LAYERS];
    model->slots = numbers[SLOTS];
    model->longest_word = numbers[LONGEST_WORD];
    model->probes = numbers[PROBES];

    if (model->flags & ~(uint32_t)ALL_FLAGS) return EDGETEXT_UNSUPPORTED;
    if (model->labels < 2 || model->labels > 65536 || model->tokens < RESERVED || model->tokens > 1 << 24)
        return EDGETEXT_INVALID;
    if (model->outputs != model->labels && !(model->outputs == 1 && model->labels == 2)) return EDGETEXT_INVALID;
    if (!model->max_length || model->max_length > 65536) return EDGETEXT_INVALID;
    if (!has_labels(model) || !has_words(model)) return EDGETEXT_INVALID;
    return (model->flags & AVERAGE ? has_average(model) : has_ngrams(model)) ? EDGETEXT_OK : EDGETEXT_INVALID;
}

const char *edgetext_error(int error)
{
    switch (error) {
    case EDGETEXT_OK: return "no error";
    case EDGETEXT_NOT_A_MODEL: return "this is not a model of edgetext";
    case EDGETEXT_TRUNCATED: return "the model is cut off";
    case EDGETEXT_DAMAGED: return "the model is damaged: its checksum differs";
    case EDGETEXT_UNSUPPORTED: return "the model needs a newer version of edgetext";
    case EDGETEXT_INVALID: return "the model is not valid: a size or offset in it is impossible";
    case EDGETEXT_NO_EXPLANATION: return "the network of this model cannot be explained by words";
    case EDGETEXT_TOO_LONG: return "the model is followed by other bytes, such as a second model";
    default: return "unknown error";
    }
}

size_t edgetext_labels(const edgetext *model) { return model->labels; }

const char *edgetext_label(const edgetext *model, size_t index)
{
    if (index >= model->labels) return NULL;
    return (const char *)model->block + get32(section(model, LABELS_AT) + index * 4);
}
